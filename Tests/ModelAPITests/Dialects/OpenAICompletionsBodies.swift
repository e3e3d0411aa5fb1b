private let asked = #""prompt":"p\ud800"}"#
private let noTurns = "refused: a row with messages or a system text cannot be sent to the completions endpoint"

let openAICompletionsBodies = [
    "prompt": #"{"model":"m",\#(asked)"#,
    "turns": noTurns, "system": noTurns, "image": noTurns, "calls": noTurns,
    "sampling": #"{"model":"m","temperature":0.5,"top_p":0.25,\#(asked)"#,
    "limit": #"{"model":"m","max_tokens":7,\#(asked)"#,
    "two limits": #"{"model":"m","max_tokens":7,"max_completion_tokens":9,\#(asked)"#,
    "stop": #"{"model":"m","stop":["END"],\#(asked)"#,
    "seed": #"{"model":"m","seed":3,\#(asked)"#,
    "effort": #"{"model":"m","reasoning_effort":"low",\#(asked)"#,
    "effort and more": #"{"model":"m","reasoning_effort":"low","reasoning":{"summary":"auto"},\#(asked)"#,
    "format":
        #"{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"a":1}}},\#(asked)"#,
    "extra": #"{"model":"m","top_k":5,"logprobs":true,\#(asked)"#,
    "schema":
        #"{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":"#
        + #"{"s":1}}},\#(asked)"#,
    "any JSON": #"{"model":"m","response_format":{"type":"json_object"},\#(asked)"#,
    "row's model and limit": #"{"model":"r","max_tokens":3,\#(asked)"#,
    "row's tools": "refused: the row's tools has no form in plain completions",
    "row's effort": "refused: the row's reasoning_effort has no form in plain completions",
    "row's format": #"{"model":"m","text":{"verbosity":"low"},"response_format":{"type":"json_object"},\#(asked)"#,
    "row's stop": #"{"model":"m","stop":"END",\#(asked)"#,
    "row's seed": #"{"model":"m","seed":4,\#(asked)"#,
]
