"""The rules of the house that swift format does not know. Prints each breach as file:line: message; then exits with 1.

Looks at the files that git tracks, or would track if they were added; `tidy.py FILE ...` looks at those only.
A clone may forbid words of its own: `git config --add tidy.forbid WORD` (any case, whole words).
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import structure

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500

CODE = {".swift", ".c", ".h", ".cpp", ".py", ".sh"}
PROSE_AND_DATA = {".md", ".jsonl", ".csv", ".txt", ".tsv", ".json"}
BRACE_LANGUAGES = {".swift", ".c", ".h", ".cpp"}

# A path of one machine or one account. The brackets keep this file from matching itself.
MACHINE_PATH = re.compile(r"(?<![\w.~}-])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+)/")

SWIFT_FUNCTION = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+|[a-z]+(?:\([a-z]+\))?\s+)*"
    r"(func\s+[^\s(<]+|init[?!]?(?=[<(])|deinit\b|subscript(?=[<(]))"
)
C_FUNCTION = re.compile(r"^\s*[A-Za-z_][\w:<>,*&\s]*?[\s*&]([\w:~]+)\s*\([^;]*$")
C_NOT_FUNCTION = re.compile(r"^\s*(?:namespace|struct|class|enum|union|typedef|extern\s+\"C\"|#|return|else|using)\b")


def project_files():
    """The files that git tracks or would track; in a copy that is not a clone, everything outside hidden folders."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True)
    if listing.returncode == 0:
        names = listing.stdout.decode().split("\0")[:-1]
    else:
        names = [path for path in Path().rglob("*") if not any(part.startswith(".") for part in path.parts)]
    return sorted(Path(name) for name in names if Path(name).is_file())


def forbidden_words():
    """One pattern for the words that this clone's git configuration forbids, or None."""
    answer = subprocess.run(["git", "config", "--get-all", "tidy.forbid"], capture_output=True, text=True)
    words = answer.stdout.split("\n")[:-1]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE) if words else None


def without_text(source):
    """The same source, line for line, with the insides of comments and string literals blanked out."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|(#*)""".*?"""\1|(#+)".*?"\2|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL
    )
    return token.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), source)


def brace_functions(source, suffix):
    """(name, first line, lines) of each function with a body in Swift or C."""
    lines = without_text(source).split("\n")
    for start, line in enumerate(lines):
        if suffix == ".swift":
            found = SWIFT_FUNCTION.match(line)
        else:
            found = None if C_NOT_FUNCTION.match(line) else C_FUNCTION.match(line)
        if not found:
            continue
        end = closing_line(lines, start, found.end() if suffix == ".swift" else found.start())
        if end is not None:
            yield found.group(1), start + 1, end - start + 1


def closing_line(lines, start, column):
    """The line that closes the body of the function declared at `start`; None if it has no body."""
    braces = parentheses = 0
    for number in range(start, len(lines)):
        for character in lines[number][column if number == start else 0 :]:
            if character in "([":
                parentheses += 1
            elif character in ")]":
                parentheses -= 1
            elif character == "{":
                braces += 1
            elif character == "}":
                braces -= 1
                if braces == 0 and parentheses == 0:
                    return number
                if braces < 0:
                    return None
            elif character == ";" and braces == 0:
                return None
        following = next((line for line in lines[number + 1 :] if line.strip()), "")
        if braces == 0 and parentheses == 0 and not re.match(r"\s*(?:\{|->|where\b|throws|async)", following):
            return None
    return None


def python_functions(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def breaches(path, forbidden=None):
    try:
        source = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return
    lines = source.split("\n")
    for number, line in enumerate(lines, 1):
        if MACHINE_PATH.search(line):
            yield number, "a path of one machine"
        if forbidden and (word := forbidden.search(line)):
            yield number, f"the word {word.group()!r} is forbidden here"
        if path.suffix not in PROSE_AND_DATA - {".md"} and line != line.rstrip():
            yield number, "trailing whitespace"
    if path.suffix not in CODE:
        return
    if len(lines) - 1 > FILE_LINES_MAX:
        yield len(lines) - 1, f"{len(lines) - 1} lines in a file, more than {FILE_LINES_MAX}"
    functions = brace_functions(source, path.suffix) if path.suffix in BRACE_LANGUAGES else ()
    if path.suffix == ".py":
        functions = python_functions(source)
    for name, number, length in functions:
        if length > FUNCTION_LINES_MAX:
            yield number, f"{name} is {length} lines long, more than {FUNCTION_LINES_MAX}"


def whole_breaches(files):
    """Problems that show only when all sources are read together."""
    texts = {path: path.read_text() for path in files if path.suffix == ".swift"}
    sources = {path: without_text(text) for path, text in texts.items()}
    for files in structure.circles(sources):
        if len(files) > structure.CIRCLE_FILES_MAX:
            names = ", ".join(str(path) for path in files[1:])
            yield files[0], 1, f"a circle of {len(files)} files, more than {structure.CIRCLE_FILES_MAX}, with {names}"
    for path, number, name in structure.unused(sources, texts.values()):
        yield path, number, f"nothing uses {name}"


def main(arguments):
    files = [Path(name) for name in arguments] or project_files()
    forbidden = forbidden_words()
    found = 0
    for path in files:
        for number, message in breaches(path, forbidden):
            print(f"{path}:{number}: {message}")
            found += 1
    for path, number, message in () if arguments else whole_breaches(files):
        print(f"{path}:{number}: {message}")
        found += 1
    if found:
        print(f"tidy: {found} breaches in {len(files)} files", file=sys.stderr)
        return 1
    print(f"tidy: {len(files)} files, none over its limits")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
