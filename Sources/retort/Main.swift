import RetortCommands

@main
enum Retort {
    static func main() { RetortMain.start() }
}
