private let asked = #""messages":[{"role":"user","content":"p\ud800"}]}"#

let openAIChatBodies = [
    "prompt": #"{"model":"m",\#(asked)"#,
    "turns": #"{"model":"m","messages":[{"role":"user","content":"a\u00e9"},{"role":"assistant","content":"b"}]}"#,
    "system":
        #"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"q"},{"role":"developer","#
        + #""content":"d"}]}"#,
    "image":
        #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"t"},{"type":"image_url","#
        + #""image_url":{"url":"data:image/png;base64,AA","detail":"low"}}]}]}"#,
    "calls":
        #"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":"#
        + #"[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","#
        + #""tool_call_id":"c","content":"r"}]}"#,
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
    "row's model and limit": #"{"model":"r","max_completion_tokens":3,\#(asked)"#,
    "row's tools":
        #"{"model":"m","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"p":1}}}],"#
        + #""tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,\#(asked)"#,
    "row's effort":
        #"{"model":"m","reasoning":{"summary":"auto","effort":"low"},"reasoning_effort":"high",\#(asked)"#,
    "row's format": #"{"model":"m","text":{"verbosity":"low"},"response_format":{"type":"json_object"},\#(asked)"#,
    "row's stop": #"{"model":"m","stop":"END",\#(asked)"#,
    "row's seed": #"{"model":"m","seed":4,\#(asked)"#,
]
