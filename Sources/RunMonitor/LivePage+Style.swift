extension LivePage {
    /// Colours as in the report: light and dark.
    static let style = """
        :root {
          color-scheme: light dark;
          --page: #f6f4f1; --card: #ffffff; --edge: #e2ddd6; --text: #1f2328; --quiet: #5b6470; --grid: #e8e4de;
          --accent: #9a4a1c; --done: #0f766e; --failed: #c53030; --tokens: #2b6cb0; --latency: #6b46c1; --cost: #9a6412;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #131518; --card: #1b1e22; --edge: #31363d; --text: #e8e6e3; --quiet: #a3acb8; --grid: #2b3036;
            --accent: #e79a6b; --done: #2fb8a8; --failed: #f47272; --tokens: #63a9f2; --latency: #b39cf5; --cost: #e3b04b;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; padding: 1.4rem 1.1rem 2rem; max-width: 96rem; background: var(--page); color: var(--text);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif;
          font-variant-numeric: tabular-nums;
        }
        h1 { margin: 0 0 0.4rem; font-size: 1.5rem; line-height: 1.2; overflow-wrap: anywhere; }
        h2 { margin: 0 0 0.5rem; font-size: 1rem; }
        p { margin: 0.2rem 0; overflow-wrap: anywhere; }
        .brand { color: var(--accent); font-size: 0.8rem; font-weight: 650; letter-spacing: 0.09em; }
        .quiet, footer { color: var(--quiet); font-size: 0.88rem; }
        .badge { padding: 0.05rem 0.6rem; border: 1px solid currentColor; border-radius: 1rem; font-size: 0.85rem;
          font-weight: 650; color: var(--tokens); }
        .badge.ended { color: var(--done); } .badge.stopped, .badge.lost { color: var(--failed); }
        .badge.up { color: var(--done); } .badge.down, .badge.excluded { color: var(--failed); }
        .badge.paused, .badge.draining, .badge.rate_limited, .badge.waiting { color: var(--cost); }
        .bar { display: flex; height: 0.8rem; margin: 0.6rem 0 0.9rem; border-radius: 0.4rem; overflow: hidden;
          background: var(--edge); }
        .bar i { display: block; height: 100%; width: 0; } .bar .done { background: var(--done); }
        .bar .failed { background: var(--failed); }
        .bar.unknown { visibility: hidden; height: 0; }
        .bar.small { height: 0.35rem; margin: 0.2rem 0; }
        #stages, #endpoints { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr));
          gap: 0 1.4rem; }
        #stages .line, #endpoints .line { border-top: 1px solid var(--grid); margin: 0; padding: 0.3rem 0; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.2rem, 1fr)); gap: 0.6rem; }
        .tile, .card { background: var(--card); border: 1px solid var(--edge); border-radius: 0.6rem; min-width: 0; }
        .tile { padding: 0.5rem 0.8rem 0.55rem; }
        .tile p { margin: 0; } .tile .name { color: var(--quiet); font-size: 0.82rem; }
        .tile .value { font-size: 1.3rem; font-weight: 620; line-height: 1.3; }
        .card { padding: 0.8rem 1rem; margin: 0.7rem 0 0; overflow: hidden; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0.7rem;
          margin-top: 0.7rem; }
        .pair .card { margin: 0; }
        .controls { display: flex; flex-wrap: wrap; gap: 0.5rem 0.7rem; align-items: center; }
        .controls label { color: var(--quiet); font-size: 0.88rem; }
        button, input, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--edge);
          border-radius: 0.4rem; padding: 0.3rem 0.7rem; min-height: 2.2rem; max-width: 100%; }
        button { cursor: pointer; } .danger { color: var(--failed); }
        #reply { flex-basis: 100%; overflow-wrap: anywhere; white-space: pre-line; } #reply:empty { display: none; }
        .chart svg { display: block; width: 100%; height: 8.5rem; overflow: hidden; }
        .chart text { fill: var(--quiet); font-size: 11px; }
        .chart .grid { stroke: var(--grid); }
        .chart path { fill: none; stroke-width: 1.6; vector-effect: non-scaling-stroke; }
        .chart .s0 { stroke: var(--done); } .chart .s1 { stroke: var(--cost); } .chart .s2 { stroke: var(--failed); }
        .chart .tokens { stroke: var(--tokens); } .chart .latency { stroke: var(--latency); }
        table { width: 100%; border-collapse: collapse; font-size: 0.9rem; table-layout: fixed; }
        td { padding: 0.25rem 0.6rem 0.25rem 0; vertical-align: baseline; overflow-wrap: anywhere; }
        tr + tr { border-top: 1px solid var(--grid); }
        td.number { text-align: right; width: 6.5rem; } td.name { width: 9rem; }
        pre { margin: 0.2rem 0 0.6rem; padding: 0.5rem 0.7rem; max-height: 9rem; overflow: auto; white-space: pre-wrap;
          overflow-wrap: anywhere; font: 0.86em/1.45 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace;
          background: var(--page); border: 1px solid var(--edge); border-radius: 0.4rem; }
        h2 .s0 { color: var(--done); } h2 .s1 { color: var(--cost); } h2 .s2 { color: var(--failed); }
        h2 .latency { color: var(--latency); }
        footer { margin-top: 1rem; }
        @media (max-width: 600px) {
          td.number { width: 5rem; } td.name { width: 6.5rem; }
          #failures tr { display: flex; flex-wrap: wrap; } #failures td { flex: 1 1 auto; width: auto; }
          #failures td:last-child { flex-basis: 100%; color: var(--quiet); }
        }

        """
}
