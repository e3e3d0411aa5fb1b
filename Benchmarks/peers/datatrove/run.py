"""run.py PROMPTS OUT BASE_URL CONCURRENCY [checkpoints]: datatrove's InferenceRunner on an endpoint.

For a server on loopback without TLS it speaks HTTP by itself, its cheapest way. With `checkpoints` it keeps each answer in
a SQLite cache and finished chunks as files, and resumes from them; without, it writes its output at the end of a task.
The output is gzip JSONL in both.
"""

import glob
import gzip
import json
import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

RECORDS_PER_CHUNK = 1_000


async def ask(document, generate):
    return await generate({"messages": [{"role": "user", "content": document.text}]})


def main(prompts, out, url, concurrency, checkpoints):
    folder, _, name = prompts.rpartition("/")
    runner = InferenceRunner(
        rollout_fn=ask,
        config=InferenceConfig(
            server_type="endpoint",
            endpoint_url=url.removesuffix("/v1"),
            model_name_or_path="bench-model",
            max_concurrent_generations=concurrency,
        ),
        output_writer=JsonlWriter(
            f"{out}/output", output_filename="${rank}_chunk_${chunk_index}.jsonl.gz" if checkpoints else "${rank}.jsonl.gz"),
        checkpoints_local_dir=f"{out}/checkpoints" if checkpoints else None,
        records_per_chunk=RECORDS_PER_CHUNK,
    )
    reader = JsonlReader(folder, glob_pattern=name, text_key="prompt", id_key="id")
    LocalPipelineExecutor([reader, runner], tasks=1, logging_dir=f"{out}/logs", skip_completed=True).run()
    ids = []
    for path in glob.glob(f"{out}/output/*.jsonl.gz"):
        with gzip.open(path) as lines:
            ids += [json.loads(line)["id"] for line in lines]
    print(json.dumps({"records": len(ids), "distinct": len(set(ids))}))


if __name__ == "__main__":
    prompts, out, url, concurrency = sys.argv[1:5]
    main(prompts, out, url, int(concurrency), "checkpoints" in sys.argv[5:])
