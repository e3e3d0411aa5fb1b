/// As plain completions, with other names for the two texts and the limit.
let llamaInfillBodies = openAICompletionsBodies.mapValues { body in
    body.replacing(#""prompt":"p\ud800"}"#, with: #""input_prefix":"p\ud800","input_suffix":""}"#)
        .replacing(#""max_tokens":7,"max_completion_tokens":9"#, with: #""n_predict":7"#)
        .replacing(#""max_tokens""#, with: #""n_predict""#)
        .replacing("the completions endpoint", with: "the infill endpoint")
        .replacing("plain completions", with: "llama.cpp's infill")
}
