"""run.py PROMPTS OUT BASE_URL CONCURRENCY [structured]: bespokelabs-curator with its `openai` backend.

It retries, keeps its answers in a cache under OUT, and resumes from it. The limits of requests and tokens a minute are
set so high that they never hold a request back. It counts tokens with tiktoken and draws a status table (switched off).
With `structured` the answers are checked against a Pydantic model, its `response_format`.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

prompts, out, url, concurrency = sys.argv[1:5]
is_structured = sys.argv[5:] == ["structured"]
sys.path.append(str(Path(__file__).parents[1]))
os.environ["CURATOR_CACHE_DIR"] = out
os.environ["CURATOR_DISABLE_RICH_DISPLAY"] = "1"
# litellm brings the tokenizer's table along; without it tiktoken would fetch one from the network.
litellm = Path(importlib.util.find_spec("litellm").origin).parent
os.environ["TIKTOKEN_CACHE_DIR"] = str(litellm / "litellm_core_utils" / "tokenizers")
from bespokelabs import curator  # noqa: E402
from datasets import Dataset  # noqa: E402
from persona import Persona  # noqa: E402


class Asker(curator.LLM):
    def prompt(self, row):
        return row["prompt"]

    def parse(self, row, response):
        return {"id": row["id"], "prompt": row["prompt"], "response": response.model_dump_json() if is_structured else response}


def main():
    with open(prompts) as lines:
        rows = Dataset.from_list([json.loads(line) for line in lines])
    asker = Asker(
        model_name="bench-model",
        response_format=Persona if is_structured else None,
        backend="openai",
        backend_params={
            "base_url": url,
            "api_key": "sk-none",
            "max_concurrent_requests": int(concurrency),
            "max_requests_per_minute": 100_000_000,
            "max_tokens_per_minute": 1_000_000_000_000,
        },
    )
    answers = asker(rows).dataset
    print(json.dumps({"records": len(answers), "distinct": len(set(answers["id"]))}))


if __name__ == "__main__":
    main()
