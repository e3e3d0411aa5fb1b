"""run.py PROMPTS OUT BASE_URL CONCURRENCY [aiohttp]: the `openai` SDK with a semaphore, as its users write it.

With `aiohttp` it uses the SDK's own aiohttp transport, which its README recommends for concurrency. The SDK retries
(twice, its default). The script does not resume, compress or sync, and holds a task for each prompt.
"""

import asyncio
import json
import sys

import httpx2 as httpx
from openai import AsyncOpenAI, DefaultAioHttpClient, DefaultAsyncHttpxClient


async def ask(client, slots, row, out):
    async with slots:
        answer = await client.chat.completions.create(
            model="bench-model", messages=[{"role": "user", "content": row["prompt"]}])
    line = {"id": row["id"], "prompt": row["prompt"], "response": answer.choices[0].message.content}
    out.write(json.dumps(line) + "\n")
    return row["id"]


async def main(prompts, out, url, concurrency, transport):
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    make = DefaultAioHttpClient if transport == "aiohttp" else DefaultAsyncHttpxClient
    slots = asyncio.Semaphore(concurrency)
    with open(prompts) as lines, open(out, "w") as answers:
        async with AsyncOpenAI(base_url=url, http_client=make(limits=limits)) as client:
            asked = (ask(client, slots, json.loads(line), answers) for line in lines)
            ids = await asyncio.gather(*asked)
    print(json.dumps({"records": len(ids), "distinct": len(set(ids))}))


prompts, out, url, concurrency = sys.argv[1:5]
asyncio.run(main(prompts, out, url, int(concurrency), (sys.argv + [""])[5]))
