/// The metaschemas, so that references to them can be resolved. Only their assertions are kept; titles, defaults and
/// comments are omitted. Sources: https://json-schema.org/draft/2020-12/schema and
/// http://json-schema.org/draft-07/schema.
enum Metaschemas {
    static func text(of uri: String) -> String? {
        switch uri {
        case "http://json-schema.org/draft-07/schema": draft7
        case base + "schema": schema
        case base + "meta/core": core
        case base + "meta/applicator": applicator
        case base + "meta/unevaluated": unevaluated
        case base + "meta/validation": validation
        case base + "meta/meta-data": metadata
        case base + "meta/format-annotation": format
        case base + "meta/content": content
        default: nil
        }
    }

    private static let base = "https://json-schema.org/draft/2020-12/"

    private static func vocabulary(_ name: String, _ members: String) -> String {
        ##"{"$schema":"\##(base)schema","$id":"\##(base)\##(name)","$dynamicAnchor":"meta","type":["object","boolean"],"##
            + members + "}"
    }

    private static let schema = vocabulary(
        "schema",
        ##""allOf":[{"$ref":"meta/core"},{"$ref":"meta/applicator"},{"$ref":"meta/unevaluated"},{"$ref":"meta/validation"},"##
            + ##"{"$ref":"meta/meta-data"},{"$ref":"meta/format-annotation"},{"$ref":"meta/content"}],"properties":{"##
            + ##""definitions":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}},"##
            + ##""dependencies":{"type":"object","additionalProperties":{"anyOf":[{"$dynamicRef":"#meta"},"##
            + ##"{"$ref":"meta/validation#/$defs/stringArray"}]}},"##
            + ##""$recursiveAnchor":{"$ref":"meta/core#/$defs/anchorString"},"##
            + ##""$recursiveRef":{"$ref":"meta/core#/$defs/uriReferenceString"}}"##)

    private static let core = vocabulary(
        "meta/core",
        ##""properties":{"$id":{"$ref":"#/$defs/uriReferenceString","pattern":"^[^#]*#?$"},"$schema":{"$ref":"#/$defs/uriString"},"##
            + ##""$ref":{"$ref":"#/$defs/uriReferenceString"},"$anchor":{"$ref":"#/$defs/anchorString"},"##
            + ##""$dynamicRef":{"$ref":"#/$defs/uriReferenceString"},"$dynamicAnchor":{"$ref":"#/$defs/anchorString"},"##
            + ##""$vocabulary":{"type":"object","propertyNames":{"$ref":"#/$defs/uriString"},"##
            + ##""additionalProperties":{"type":"boolean"}},"$comment":{"type":"string"},"##
            + ##""$defs":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}}},"##
            + ##""$defs":{"anchorString":{"type":"string","pattern":"^[A-Za-z_][-A-Za-z0-9._]*$"},"##
            + ##""uriString":{"type":"string","format":"uri"},"uriReferenceString":{"type":"string","format":"uri-reference"}}"##
    )

    private static let applicator = vocabulary(
        "meta/applicator",
        ##""properties":{"prefixItems":{"$ref":"#/$defs/schemaArray"},"items":{"$dynamicRef":"#meta"},"contains":{"$dynamicRef":"#meta"},"##
            + ##""additionalProperties":{"$dynamicRef":"#meta"},"properties":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}},"##
            + ##""patternProperties":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"},"propertyNames":{"format":"regex"}},"##
            + ##""dependentSchemas":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}},"propertyNames":{"$dynamicRef":"#meta"},"##
            + ##""if":{"$dynamicRef":"#meta"},"then":{"$dynamicRef":"#meta"},"else":{"$dynamicRef":"#meta"},"##
            + ##""allOf":{"$ref":"#/$defs/schemaArray"},"anyOf":{"$ref":"#/$defs/schemaArray"},"oneOf":{"$ref":"#/$defs/schemaArray"},"##
            + ##""not":{"$dynamicRef":"#meta"}},"$defs":{"schemaArray":{"type":"array","minItems":1,"items":{"$dynamicRef":"#meta"}}}"##
    )

    private static let unevaluated = vocabulary(
        "meta/unevaluated",
        ##""properties":{"unevaluatedItems":{"$dynamicRef":"#meta"},"unevaluatedProperties":{"$dynamicRef":"#meta"}}"##)

    private static let validation = vocabulary(
        "meta/validation",
        ##""properties":{"type":{"anyOf":[{"$ref":"#/$defs/simpleTypes"},{"type":"array","items":{"$ref":"#/$defs/simpleTypes"},"##
            + ##""minItems":1,"uniqueItems":true}]},"const":true,"enum":{"type":"array","items":true},"##
            + ##""multipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{"type":"number"},"exclusiveMaximum":{"type":"number"},"##
            + ##""minimum":{"type":"number"},"exclusiveMinimum":{"type":"number"},"maxLength":{"$ref":"#/$defs/nonNegativeInteger"},"##
            + ##""minLength":{"$ref":"#/$defs/nonNegativeInteger"},"pattern":{"type":"string","format":"regex"},"##
            + ##""maxItems":{"$ref":"#/$defs/nonNegativeInteger"},"minItems":{"$ref":"#/$defs/nonNegativeInteger"},"##
            + ##""uniqueItems":{"type":"boolean"},"maxContains":{"$ref":"#/$defs/nonNegativeInteger"},"##
            + ##""minContains":{"$ref":"#/$defs/nonNegativeInteger"},"maxProperties":{"$ref":"#/$defs/nonNegativeInteger"},"##
            + ##""minProperties":{"$ref":"#/$defs/nonNegativeInteger"},"required":{"$ref":"#/$defs/stringArray"},"##
            + ##""dependentRequired":{"type":"object","additionalProperties":{"$ref":"#/$defs/stringArray"}}},"##
            + ##""$defs":{"nonNegativeInteger":{"type":"integer","minimum":0},"##
            + ##""simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},"##
            + ##""stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true}}"##)

    private static let metadata = vocabulary(
        "meta/meta-data",
        ##""properties":{"title":{"type":"string"},"description":{"type":"string"},"default":true,"deprecated":{"type":"boolean"},"##
            + ##""readOnly":{"type":"boolean"},"writeOnly":{"type":"boolean"},"examples":{"type":"array","items":true}}"##
    )

    private static let format = vocabulary("meta/format-annotation", ##""properties":{"format":{"type":"string"}}"##)

    private static let content = vocabulary(
        "meta/content",
        ##""properties":{"contentEncoding":{"type":"string"},"contentMediaType":{"type":"string"},"contentSchema":{"$dynamicRef":"#meta"}}"##
    )

    private static let draft7 =
        ##"{"$schema":"http://json-schema.org/draft-07/schema#","$id":"http://json-schema.org/draft-07/schema#","definitions":{"##
        + ##""schemaArray":{"type":"array","minItems":1,"items":{"$ref":"#"}},"nonNegativeInteger":{"type":"integer","minimum":0},"##
        + ##""nonNegativeIntegerDefault0":{"allOf":[{"$ref":"#/definitions/nonNegativeInteger"},{"default":0}]},"##
        + ##""simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},"##
        + ##""stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true}},"type":["object","boolean"],"properties":{"##
        + ##""$id":{"type":"string","format":"uri-reference"},"$schema":{"type":"string","format":"uri"},"##
        + ##""$ref":{"type":"string","format":"uri-reference"},"$comment":{"type":"string"},"title":{"type":"string"},"##
        + ##""description":{"type":"string"},"default":true,"readOnly":{"type":"boolean"},"writeOnly":{"type":"boolean"},"##
        + ##""examples":{"type":"array","items":true},"multipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{"type":"number"},"##
        + ##""exclusiveMaximum":{"type":"number"},"minimum":{"type":"number"},"exclusiveMinimum":{"type":"number"},"##
        + ##""maxLength":{"$ref":"#/definitions/nonNegativeInteger"},"minLength":{"$ref":"#/definitions/nonNegativeInteger"},"##
        + ##""pattern":{"type":"string","format":"regex"},"additionalItems":{"$ref":"#"},"items":{"anyOf":[{"$ref":"#"},"##
        + ##"{"$ref":"#/definitions/schemaArray"}]},"maxItems":{"$ref":"#/definitions/nonNegativeInteger"},"##
        + ##""minItems":{"$ref":"#/definitions/nonNegativeInteger"},"uniqueItems":{"type":"boolean"},"contains":{"$ref":"#"},"##
        + ##""maxProperties":{"$ref":"#/definitions/nonNegativeInteger"},"minProperties":{"$ref":"#/definitions/nonNegativeInteger"},"##
        + ##""required":{"$ref":"#/definitions/stringArray"},"additionalProperties":{"$ref":"#"},"##
        + ##""definitions":{"type":"object","additionalProperties":{"$ref":"#"}},"properties":{"type":"object","##
        + ##""additionalProperties":{"$ref":"#"}},"patternProperties":{"type":"object","additionalProperties":{"$ref":"#"},"##
        + ##""propertyNames":{"format":"regex"}},"dependencies":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#"},"##
        + ##"{"$ref":"#/definitions/stringArray"}]}},"propertyNames":{"$ref":"#"},"const":true,"enum":{"type":"array","items":true},"##
        + ##""type":{"anyOf":[{"$ref":"#/definitions/simpleTypes"},{"type":"array","items":{"$ref":"#/definitions/simpleTypes"},"##
        + ##""minItems":1,"uniqueItems":true}]},"format":{"type":"string"},"contentMediaType":{"type":"string"},"##
        + ##""contentEncoding":{"type":"string"},"if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"},"##
        + ##""allOf":{"$ref":"#/definitions/schemaArray"},"anyOf":{"$ref":"#/definitions/schemaArray"},"##
        + ##""oneOf":{"$ref":"#/definitions/schemaArray"},"not":{"$ref":"#"}}}"##
}
