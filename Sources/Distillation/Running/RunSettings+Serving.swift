package import Basics
package import CommandLine
import Dataset
import ModelAPI
import ResponseGenerator

extension RunSettings {
    /// The settings of `serve`: clients send the requests.
    package init(serving command: ParsedCommand, environment: [String: String]) throws(RetortError) {
        try self.init(
            sending: command, to: .chat, out: command.requiredString("out"), isSimulated: command.flag("simulate"),
            environment: environment, stopsAtRefusals: false)
        origins = RunRequest.origins(command)
        // A repeated request is answered with it.
        keepsBody = true
        pricing = try Pricing(command, parameters: parameters, isSimulated: simulator != nil)
        generator.refusalsAreOutcomes = true
        judgeAnswers(command)
    }
}
