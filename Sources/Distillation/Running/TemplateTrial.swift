package import Basics
import CommandLine
import Dataset
package import PromptSource

/// Compares a template with the first rows of its input: finds fields that no row has, even if no row fails because of
/// it.
package enum TemplateTrial {
    /// Remarks for the user. Throws `.configuration` for a template that inserts nothing because its fields are not
    /// written as fields.
    package static func remarks(
        _ input: InputSet, _ settings: RunSettings, job: JobDescription
    ) throws(RetortError) -> [String] {
        guard let template = settings.template, input.isRepeatable, !input.isStore, !settings.continues else {
            return []
        }
        let planner = RowPlanner(
            settings, input: input, store: NoOutcomes(job, samples: settings.samples), issued: IssuedKeys(),
            codec: RecordCodec(keepsBody: false), standing: .mixed(isNew: true))
        let reader = RangedRows(input, settings.rows)
        var absent = Set(template.fields)
        var present: [String] = []
        var (rows, bytes) = (0, 0)
        while rows < RowTrial.rowsMax, bytes < RowTrial.bytesMax, !absent.isEmpty || rows < 2 {
            // Errors of reading are reported when the input is read.
            guard let row = try? reader.next() else { break }
            guard let found = planner.parser.templateFields(of: row) else { continue }
            rows += 1
            bytes += row.contentBytes
            absent.formIntersection(found.absent)
            if present.isEmpty { present = found.present }
        }
        if template.fields.isEmpty,
            let name = present.first(where: { settings.templateText?.contains("{\($0)}") == true })
        {
            throw RetortError(
                .configuration, "the template names no field: {\(name)} is text", at: settings.templateName,
                remedy: "Write {{\(name)}}.")
        }
        if template.fields.isEmpty {
            return rows < 2 ? [] : ["the template names no field of the rows: all prompts are equal"]
        }
        guard !absent.isEmpty, rows > 0 else { return [] }
        let names = absent.sorted().map { "{{\($0)}}" }.joined(separator: ", ")
        return [
            "\(names): in none of the first \(Human.plural(rows, "row")), so its stand-in or other branch is sent"
        ]
    }
}
