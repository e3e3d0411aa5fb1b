"""run.py PROMPTS OUT BASE_URL CONCURRENCY: litellm's `acompletion` with a semaphore.

litellm retries where it is told to (not here, there is nothing to retry). The script does not resume, compress or sync,
and holds a task for each prompt. litellm makes its own client with as many connections as are asked for.
"""

import asyncio
import json
import sys

import litellm

litellm.telemetry = False
litellm.suppress_debug_info = True


async def ask(slots, url, row, out):
    async with slots:
        answer = await litellm.acompletion(
            model="openai/bench-model",
            messages=[{"role": "user", "content": row["prompt"]}],
            api_base=url,
            api_key="sk-none",
        )
    line = {"id": row["id"], "prompt": row["prompt"], "response": answer.choices[0].message.content}
    out.write(json.dumps(line) + "\n")
    return row["id"]


async def main(prompts, out, url, concurrency):
    slots = asyncio.Semaphore(concurrency)
    with open(prompts) as lines, open(out, "w") as answers:
        ids = await asyncio.gather(*(ask(slots, url, json.loads(line), answers) for line in lines))
    print(json.dumps({"records": len(ids), "distinct": len(set(ids))}))


prompts, out, url, concurrency = sys.argv[1:5]
asyncio.run(main(prompts, out, url, int(concurrency)))
