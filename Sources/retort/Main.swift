@main struct Retort { static func main() {} }
