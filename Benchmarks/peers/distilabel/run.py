"""run.py PROMPTS OUT BASE_URL CONCURRENCY [structured]: a distilabel pipeline, one TextGeneration step on an OpenAILLM.

It retries (the SDK's way) and keeps whole batches of a step in a cache under OUT, from which it resumes. A batch is sent
at once, so that the batch size is the concurrency. Processes: the pipeline, the step that loads, the step that asks.
With `structured` the answers are checked against a Pydantic model by instructor,
which asks for a tool call; another mode of it fails to load in this version.
"""

import json
import sys
from pathlib import Path

from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

sys.path.append(str(Path(__file__).parents[1]))
from persona import Persona  # noqa: E402


def main(prompts, out, url, concurrency, is_structured):
    with open(prompts) as lines:
        rows = [{"id": row["id"], "instruction": row["prompt"]} for row in map(json.loads, lines)]
    with Pipeline(name="bench", cache_dir=out) as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=concurrency)
        ask = TextGeneration(
            llm=OpenAILLM(
                model="bench-model", base_url=url, api_key="sk-none",
                structured_output={"schema": Persona} if is_structured else None),
            input_batch_size=concurrency,
            add_raw_input=False,
            add_raw_output=False,
        )
        load >> ask
    distiset = pipeline.run(use_cache=True)
    ids = [row["id"] for row in distiset["default"]["train"] if row["generation"] is not None]
    print(json.dumps({"records": len(ids), "distinct": len(set(ids))}))


if __name__ == "__main__":
    prompts, out, url, concurrency = sys.argv[1:5]
    main(prompts, out, url, int(concurrency), sys.argv[5:] == ["structured"])
