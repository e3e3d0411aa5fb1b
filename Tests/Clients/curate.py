"""curate.py BASE_URL live|batch COUNT: sends prompts with bespokelabs-curator, and prints the answers as JSON."""

import importlib.util
import json
import os
import sys
from pathlib import Path

base_url, way, count = sys.argv[1:4]
# litellm contains the tokenizer's table; without it tiktoken would fetch one from the network.
litellm = Path(importlib.util.find_spec("litellm").origin).parent
os.environ["TIKTOKEN_CACHE_DIR"] = str(litellm / "litellm_core_utils" / "tokenizers")
from bespokelabs import curator  # noqa: E402
from datasets import Dataset  # noqa: E402


class Asker(curator.LLM):
    def prompt(self, row):
        return row["question"]

    def parse(self, row, response):
        return {"question": row["question"], "answer": response}


def main():
    settings = {"base_url": base_url}
    if way == "batch":
        settings |= {"batch_size": 20, "batch_check_interval": 1}
    asker = Asker(model_name="gpt-4o-mini", backend="openai", batch=way == "batch", backend_params=settings)
    rows = [{"question": f"Why is number {number} odd?"} for number in range(int(count))]
    print(json.dumps(list(asker(Dataset.from_list(rows)).dataset)))


if __name__ == "__main__":
    main()
