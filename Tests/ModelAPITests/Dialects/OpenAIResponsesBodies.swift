private let head = #"{"store":false,"model":"m","#
private let asked = #""input":"p\ud800"}"#

let openAIResponsesBodies = [
    "prompt": #"\#(head)\#(asked)"#,
    "turns": #"\#(head)"input":[{"role":"user","content":"a\u00e9"},{"role":"assistant","content":"b"}]}"#,
    "system":
        #"\#(head)"instructions":"s","input":[{"role":"user","content":"q"},{"role":"developer","content":"d"}]}"#,
    "image":
        #"\#(head)"input":[{"role":"user","content":[{"type":"input_text","text":"t"},{"type":"input_image","#
        + #""image_url":"data:image/png;base64,AA","detail":"low"}]}]}"#,
    "calls":
        #"\#(head)"input":[{"role":"user","content":"q"},{"type":"function_call","call_id":"c","name":"f","arguments":"#
        + #""{\"a\":1}"},{"type":"function_call_output","call_id":"c","output":"r"}]}"#,
    "sampling": #"\#(head)"temperature":0.5,"top_p":0.25,\#(asked)"#,
    "limit": #"\#(head)"max_output_tokens":7,\#(asked)"#,
    "two limits": #"\#(head)"max_output_tokens":9,\#(asked)"#,
    "stop": "refused: OpenAI's Responses API has no parameter stop",
    "seed": "refused: OpenAI's Responses API has no parameter seed",
    "effort": #"\#(head)"reasoning":{"effort":"low"},\#(asked)"#,
    "effort and more": #"\#(head)"reasoning":{"effort":"low","summary":"auto"},\#(asked)"#,
    "format": #"\#(head)"text":{"format":{"type":"json_schema","name":"n","schema":{"a":1}}},\#(asked)"#,
    "extra": #"\#(head)"top_k":5,"include":["message.output_text.logprobs"],\#(asked)"#,
    "schema":
        #"\#(head)"text":{"format":{"type":"json_schema","name":"answer","strict":true,"schema":{"s":1}}},\#(asked)"#,
    "any JSON": #"\#(head)"text":{"format":{"type":"json_object"}},\#(asked)"#,
    "row's model and limit": #"{"store":false,"model":"r","max_output_tokens":3,\#(asked)"#,
    "row's tools":
        #"\#(head)"tools":[{"type":"function","name":"f","description":"d","parameters":{"p":1},"strict":false}],"#
        + #""tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false,\#(asked)"#,
    "row's effort": #"\#(head)"reasoning":{"summary":"auto","effort":"high"},\#(asked)"#,
    "row's format": #"\#(head)"text":{"verbosity":"low","format":{"type":"json_object"}},\#(asked)"#,
    "row's stop": "refused: the row's stop has no form in OpenAI's Responses API",
    "row's seed": "refused: the row's seed has no form in OpenAI's Responses API",
]
