"""A model server that answers as odd as providers do, by the number that the prompt ends with.

Runs in a process of its own: python varied_server.py ROWS. Prints its base URL.
"""

import asyncio
import json
import re
import sys

NUMBER = re.compile(r"#(\d+)")
# Unusual values begin this late, after the part from which readers infer types.
LATE = 0.8


def message(number, rows):
    """The model's answer, and the cost that the provider states, if any."""
    if number < rows * LATE:
        return {"role": "assistant", "content": f"answer {number}"}, None
    said = {"role": "assistant", "content": f"answer {number}"}
    match number % 10:
        case 0:
            call = {"id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": '{"q":"é"}'}}
            said |= {"content": None, "tool_calls": [call]}
        case 1:
            said["content"] = f"half \ud83d a pair {number}"
        case 2:
            said["content"] = f"zero \0 and \u2028 and 🦉 {number}"
        case 3:
            said |= {"reasoning_content": "because \udc00"}
        case 4:
            return said, 0.0125
        case 5:
            said["content"] = [{"type": "text", "text": f"in parts {number}"}]
        case 6:
            said["annotations"] = [{"type": "url_citation", "url_citation": {"url": "u"}}]
    return said, None


def value(number, rows):
    """A value whose members come late."""
    said = {"title": f"title {number}", "year": number}
    if number >= rows * LATE:
        said |= [{"tags": ["a", "b"]}, {"late": 1.5}, {"late": 2}, {"tags": [], "late": 10**30}, {"title": "水 \ud83d"}][number % 5]
    return said


def answer(path, body, rows):
    asked = json.dumps(body.get("messages", body.get("prompt")))
    number = int(NUMBER.findall(asked)[-1])
    said, cost = message(number, rows)
    if "VALUE" in asked:
        said, cost = {"role": "assistant", "content": json.dumps(value(number, rows))}, None
    usage = {"prompt_tokens": 10, "completion_tokens": 5} | ({"cost": cost} if cost else {})
    choice = {"index": 0, "finish_reason": "stop"}
    choice |= {"text": f"text {number}"} if path.endswith("/completions") and "prompt" in body else {"message": said}
    return json.dumps({"id": "x", "model": body["model"], "choices": [choice], "usage": usage}).encode()


async def serve(reader, writer, rows):
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])
            path = head.split(b" ", 2)[1].decode()
            text = answer(path, json.loads(await reader.readexactly(length)), rows)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text))
            writer.write(text)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    rows = int(sys.argv[1])
    server = await asyncio.start_server(lambda *ends: serve(*ends, rows), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


asyncio.run(main())
