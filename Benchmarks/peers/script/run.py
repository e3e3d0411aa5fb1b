"""run.py PROMPTS OUT BASE_URL CONCURRENCY: the fastest script that people write: aiohttp on uvloop, workers on one queue.

A line is appended to OUT for each answer. It resumes by reading OUT for the ids it has. It does not retry, check the
answers, compress, sync or lock anything; a line that a crash tore in two takes the one after it along.
"""

import asyncio
import json
import os
import sys

import aiohttp
import uvloop


def ids_in(path):
    """The ids of the lines that can be read, in their order."""
    ids = []
    if os.path.exists(path):
        with open(path) as lines:
            for line in lines:
                try:
                    ids.append(json.loads(line)["id"])
                except ValueError:
                    pass
    return ids


async def worker(session, url, rows, out):
    for row in rows:
        body = {"model": "bench-model", "messages": [{"role": "user", "content": row["prompt"]}]}
        async with session.post(url, json=body) as answer:
            answer.raise_for_status()
            reply = await answer.json()
        line = {"id": row["id"], "prompt": row["prompt"], "response": reply["choices"][0]["message"]["content"]}
        out.write(json.dumps(line) + "\n")


async def main(prompts, out, url, concurrency):
    done = set(ids_in(out))
    with open(prompts) as lines, open(out, "a") as answers:
        # One iterator that all workers draw from: nothing is loaded ahead.
        rows = (row for row in map(json.loads, lines) if row["id"] not in done)
        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(connector=connector) as session:
            workers = (worker(session, f"{url}/chat/completions", rows, answers) for _ in range(concurrency))
            await asyncio.gather(*workers)
    ids = ids_in(out)
    print(json.dumps({"records": len(ids), "distinct": len(set(ids))}))


prompts, out, url, concurrency = sys.argv[1:5]
uvloop.run(main(prompts, out, url, int(concurrency)))
