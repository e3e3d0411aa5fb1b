import Basics
import JSONText
import Testing

@testable import PromptSource

/// Rows that a template combines in one prompt.
@Suite struct ItemsTextTests {
    private func object(_ rows: String...) throws -> String {
        String(
            decoding: try ItemsText.object(of: rows.map { Array($0.utf8) }, count: rows.count, with: JSONParser()),
            as: UTF8.self)
    }

    @Test func onlyWhatAllRowsHaveIsAroundThem() throws {
        let text = try object(#"{"level":3,"a":1,"b":"x"}"#, #"{"level":3,"a":2}"#)
        #expect(text == #"{"items":[{"level":3,"a":1,"b":"x"},{"level":3,"a":2}],"count":2,"level":3}"#)
    }

    @Test func fieldsOfTheseNamesAreTheTemplates() {
        for row in [#"{"items":[1]}"#, #"{"count":2}"#] {
            #expect(throws: RowFault.self) {
                try ItemsText.object(of: [Array(row.utf8)], count: 1, with: JSONParser())
            }
        }
    }

    @Test func aRowIsNeverFilledUpFromAnother() throws {
        let template = try Template.parse(
            "{{#items}}\n{{@number}}. {{name ?? \"-\"}} {{hint ?? \"none\"}}\n{{/items}}\nof {{count}}")
        #expect(template.loopsOverItems)
        let parser = PromptParser(InputSet(files: []), template: template, sharesRequests: true)
        let rows = [#"{"name":"a","hint":"first"}"#, #"{"name":"b"}"#].map { Array($0.utf8) }
        guard case .prompt(let text) = try parser.shape(ofItems: rows) else {
            Issue.record("no prompt")
            return
        }
        #expect(String(decoding: text, as: UTF8.self) == #""1. a first\n2. b none\nof 2""#)
        let around = rows.map { parser.surroundings(ofItem: $0, count: 5) }
        #expect(around[0] == around[1] && String(decoding: around[0], as: UTF8.self) == #""of 5""#)
    }

    @Test func aTemplateWithoutTheBlockHasNoItems() throws {
        #expect(try Template.parse("{{#each list}}{{this}}{{/each}}").loopsOverItems == false)
        #expect(try Template.parse("{{#if a}}{{#items}}{{b}}{{/items}}{{/if}}").loopsOverItems)
    }
}
