import CommandLine
import Glibc
import RetortCommands

@main
enum Retort {
    static func main() async {
        exit(await RetortMain.run().rawValue)
    }
}
