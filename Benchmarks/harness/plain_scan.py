"""plain_scan.py PROMPTS DONE BASE_URL: resumes as scripts do: collects the ids in DONE, then asks for the first prompt
that is not among them. Standard library only."""

import json
import sys
import urllib.request

prompts, answers, url = sys.argv[1:]
with open(answers) as lines:
    done = {json.loads(line)["id"] for line in lines}
with open(prompts) as rows:
    for row in map(json.loads, rows):
        if row["id"] not in done:
            body = {"model": "bench-model", "messages": [{"role": "user", "content": row["prompt"]}]}
            request = urllib.request.Request(
                f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
            urllib.request.urlopen(request).read()
            break
