"""Rules that need all Swift sources at once: circles of files within a module, and declarations without a use."""

import re
from collections import Counter, defaultdict

# Maximum files of one module that may refer to each other in a circle.
CIRCLE_FILES_MAX = 5

MODIFIERS = r"(?:@\w+(?:\([^)]*\))?\s+|[a-z]+(?:\([a-z]+\))?\s+)*"
TOP_LEVEL = re.compile(rf"^(?P<modifiers>{MODIFIERS})(?:struct|class|enum|protocol|actor|typealias|func)\s+(?P<name>\w+)")
DECLARED = re.compile(rf"^\s*(?P<modifiers>{MODIFIERS})(?:struct|class|enum|protocol|actor|typealias|func|var|let)\s+(?P<name>\w+)")
WORD = re.compile(r"\w+")
# Names required by the language or the system.
CALLED_FROM_OUTSIDE = {"_rawHashValue", "CodingKeys"}


def module(path):
    """The folder under Sources that a file belongs to; None outside."""
    return path.parts[1] if path.parts[0] == "Sources" and len(path.parts) > 2 else None


def circles(sources):
    """Lists of files, each of one module, in which every file leads to every other by the types it names.

    `sources`: path to code, in which comments and strings are blank.
    """
    modules = defaultdict(list)
    for path in sources:
        if module(path):
            modules[module(path)].append(path)
    for files in modules.values():
        homes = {}
        for path in files:
            for line in sources[path].split("\n"):
                found = TOP_LEVEL.match(line)
                if found and "private" not in found["modifiers"]:
                    homes.setdefault(found["name"], path)
        leads = {
            path: {homes[word] for word in set(WORD.findall(sources[path])) if word in homes} - {path} for path in files
        }
        yield from connected(leads)


def connected(leads):
    """The groups of more than one node that lead to each other (Kosaraju's two walks)."""
    order, seen = [], set()
    for start in leads:
        stack = [(start, iter(leads[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            node, rest = stack[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(leads[following])))
    back = defaultdict(set)
    for node, others in leads.items():
        for other in others:
            back[other].add(node)
    left = set(leads)
    for start in reversed(order):
        group, stack = [], [start] if start in left else []
        left.discard(start)
        while stack:
            node = stack.pop()
            group.append(node)
            found = back[node] & left
            left -= found
            stack += found
        if len(group) > 1:
            yield sorted(group)


def unused(sources, texts):
    """(path, line, name) of each declaration of the product whose name occurs nowhere else.

    `texts`: everything in which a name may be used, strings with their interpolations included.
    """
    uses = Counter(word for text in texts for word in WORD.findall(text))
    for path, source in sources.items():
        if not module(path):
            continue
        for number, line in enumerate(source.split("\n"), 1):
            found = DECLARED.match(line)
            if not found or uses[found["name"]] > 1 or found["name"] in CALLED_FROM_OUTSIDE:
                continue
            yield path, number, found["name"]
