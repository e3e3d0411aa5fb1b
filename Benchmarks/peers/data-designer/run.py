"""run.py PROMPTS OUT BASE_URL CONCURRENCY [structured]: a data-designer run of one column, seeded with the prompts.

It retries, writes groups of 1,000 rows as parquet under OUT, and resumes after the last whole group. It counts tokens with
tiktoken at the end. With `structured` its column is of JSON, which is checked against a Pydantic model.
"""

import contextlib
import json
import logging
import os
import sys
from pathlib import Path

prompts, out, url, concurrency = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
is_structured = sys.argv[5:] == ["structured"]
sys.path.append(str(Path(__file__).parents[1]))
# litellm brings the tokenizer's table along; without it tiktoken would fetch one from the network.
tables = Path(sys.prefix).with_name("litellm").glob("lib/python3*/site-packages/litellm/litellm_core_utils/tokenizers")
os.environ["TIKTOKEN_CACHE_DIR"] = str(next(tables, ""))
os.environ["DATA_DESIGNER_HOME"] = str(out / "home")
import data_designer.config as dd  # noqa: E402
import pandas  # noqa: E402
from data_designer.interface import DataDesigner  # noqa: E402
from data_designer.interface.errors import DataDesignerProfilingError  # noqa: E402
from persona import Persona  # noqa: E402

ALIAS = "teacher"


def builder():
    models = [
        dd.ModelConfig(
            alias=ALIAS, model="bench-model", provider="bench", skip_health_check=True,
            inference_parameters=dd.ChatCompletionInferenceParams(max_parallel_requests=concurrency))
    ]
    builder = dd.DataDesignerConfigBuilder(model_configs=models)
    builder.with_seed_dataset(dd.LocalFileSeedSource(path=prompts))
    column = {"name": "response", "prompt": "{{ prompt }}", "model_alias": ALIAS}
    if is_structured:
        builder.add_column(dd.LLMStructuredColumnConfig(**column, output_format=Persona))
    else:
        builder.add_column(dd.LLMTextColumnConfig(**column))
    return builder


def main():
    logging.disable(logging.INFO)
    with open(prompts) as rows:
        count = sum(1 for _ in rows)
    designer = DataDesigner(
        artifact_path=out,
        model_providers=[dd.ModelProvider(name="bench", endpoint=url, api_key="sk-none")],
        auto_configure_logging=False)
    designer.set_run_config(dd.RunConfig(otel_metrics_port=None))
    # It profiles what it made, and fails at that if there is one row.
    with contextlib.suppress(DataDesignerProfilingError):
        designer.create(builder(), num_records=count, resume=dd.ResumeMode.IF_POSSIBLE)
    ids = [id for path in sorted(out.glob("dataset/parquet-files/*.parquet")) for id in pandas.read_parquet(path)["id"]]
    print(json.dumps({"records": len(ids), "distinct": len(set(ids))}))


main()
