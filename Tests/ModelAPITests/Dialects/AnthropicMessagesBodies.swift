private let head = #"{"model":"m","max_tokens":4096,"#
private let asked = #""messages":[{"role":"user","content":"p\ud800"}]}"#

let anthropicMessagesBodies = [
    "prompt": #"\#(head)\#(asked)"#,
    "turns": #"\#(head)"messages":[{"role":"user","content":"a\u00e9"},{"role":"assistant","content":"b"}]}"#,
    "system":
        #"\#(head)"system":[{"type":"text","text":"s"},{"type":"text","text":"d"}],"messages":[{"role":"user","#
        + #""content":"q"}]}"#,
    "image":
        #"\#(head)"messages":[{"role":"user","content":[{"type":"text","text":"t"},{"type":"image","source":{"type":"#
        + #""base64","media_type":"image/png","data":"AA"}}]}]}"#,
    "calls":
        #"\#(head)"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"c","#
        + #""name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","#
        + #""content":"r"}]}]}"#,
    "sampling": #"{"model":"m","temperature":0.5,"top_p":0.25,"max_tokens":4096,\#(asked)"#,
    "limit": #"{"model":"m","max_tokens":7,\#(asked)"#,
    "two limits": #"{"model":"m","max_tokens":9,\#(asked)"#,
    "stop": #"\#(head)"stop_sequences":["END"],\#(asked)"#,
    "seed": "refused: Anthropic's messages have no parameter seed",
    "effort": "refused: Anthropic's messages have no parameter reasoning_effort",
    "effort and more": "refused: Anthropic's messages have no parameter reasoning_effort",
    "format": "refused: Anthropic's messages have no parameter response_format",
    "extra": #"\#(head)"top_k":5,"logprobs":true,\#(asked)"#,
    "schema": #"\#(head)"output_config":{"format":{"type":"json_schema","schema":{"s":1}}},\#(asked)"#,
    "any JSON": #"\#(head)\#(asked)"#,
    "row's model and limit": #"{"model":"r","max_tokens":3,\#(asked)"#,
    "row's tools":
        #"\#(head)"tools":[{"name":"f","description":"d","input_schema":{"p":1}}],"tool_choice":{"type":"tool","#
        + #""name":"f","disable_parallel_tool_use":true},\#(asked)"#,
    "row's effort": "refused: the row's reasoning_effort has no form in Anthropic's messages",
    "row's format": "refused: the row's response_format has no form in Anthropic's messages",
    "row's stop": #"\#(head)"stop_sequences":["END"],\#(asked)"#,
    "row's seed": "refused: the row's seed has no form in Anthropic's messages",
]
