/// The version of the program and of its libraries.
public enum RetortVersion {
    public static let text = "0.2.0"
}
