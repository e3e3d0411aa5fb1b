/// The style sheet of the page. Colours are variables, for light and for dark; each has a contrast of at least 3 to its
/// background, and of 4.5 if used for text (WCAG 2.2, 1.4.3 and 1.4.11).
package enum ReportStyle {
    /// Failure classes with their own colour; the next colour is for all others.
    package static let classColors = 10

    package static let sheet: StaticString = """
        :root {
          color-scheme: light dark;
          --page: #f6f4f1; --card: #ffffff; --edge: #e2ddd6; --text: #1f2328; --quiet: #5b6470; --grid: #e8e4de;
          --accent: #9a4a1c; --done: #0f766e; --failed: #c53030; --pending: #84909f; --tokens: #2b6cb0;
          --latency: #6b46c1; --cost: #9a6412; --class-0: #b7791f; --class-1: #c53030; --class-2: #6b46c1;
          --class-3: #2b6cb0; --class-4: #3f4858; --class-5: #b83280; --class-6: #2f855a; --class-7: #0e7490;
          --class-8: #7b5b3a; --class-9: #5f7416; --class-10: #718096;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #131518; --card: #1b1e22; --edge: #31363d; --text: #e8e6e3; --quiet: #a3acb8; --grid: #2b3036;
            --accent: #e79a6b; --done: #2fb8a8; --failed: #f47272; --pending: #717c8b; --tokens: #63a9f2;
            --latency: #b39cf5; --cost: #e3b04b; --class-0: #f0b44c; --class-1: #f47272; --class-2: #b39cf5;
            --class-3: #63a9f2; --class-4: #d5dbe3; --class-5: #f27ac0; --class-6: #5fd08f; --class-7: #3cc8d8;
            --class-8: #d3a878; --class-9: #b4c76a; --class-10: #94a3b8;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 72rem; background: var(--page); color: var(--text);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif;
          font-variant-numeric: tabular-nums;
        }
        h1 { margin: 0.1rem 0 0.6rem; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
        h2 { margin: 0 0 0.7rem; font-size: 1.02rem; }
        h3 { margin: 1.4rem 0 0.3rem; font-size: 0.98rem; }
        small { color: var(--quiet); font-size: 0.85rem; font-weight: 400; }
        p { margin: 0.2rem 0; }
        header { margin-bottom: 1.4rem; }
        .brand { color: var(--accent); font-size: 0.8rem; font-weight: 650; letter-spacing: 0.09em; }
        .quiet, footer { color: var(--quiet); font-size: 0.88rem; }
        .badge {
          display: inline-block; margin-right: 0.3rem; padding: 0.05rem 0.6rem; border: 1px solid currentColor;
          border-radius: 1rem; font-size: 0.85rem; font-weight: 650;
        }
        .badge.complete, .badge.finished { color: var(--done); } .badge.incomplete { color: var(--failed); }
        .badge.running { color: var(--tokens); } .badge.empty { color: var(--quiet); }
        .tiles { display: flex; flex-wrap: wrap; gap: 0.75rem; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1rem; }
        .tile, .card { background: var(--card); border: 1px solid var(--edge); border-radius: 0.6rem; }
        .tile { flex: 1 1 13rem; padding: 0.7rem 0.95rem 0.75rem; }
        .card { padding: 1rem 1.1rem 0.9rem; min-width: 0; break-inside: avoid; }
        .pair > .card:last-child:nth-child(odd) { grid-column: 1 / -1; }
        main > section { margin-bottom: 1rem; }
        .alarm { border: 2px solid var(--failed); }
        .tile .name { margin: 0; color: var(--quiet); font-size: 0.85rem; }
        .tile .value { margin: 0; font-size: 1.55rem; font-weight: 620; line-height: 1.25; white-space: nowrap; }
        .tile .quiet { margin: 0; min-height: 1.3em; }
        .scroll { overflow-x: auto; }
        .scroll .chart { min-width: 44rem; }
        .chart { display: block; width: 100%; height: auto; font-size: 12px; }
        .chart text { fill: var(--quiet); }
        .chart .strong { fill: var(--text); font-weight: 600; }
        .chart .faint { font-size: 11px; }
        .chart .start { text-anchor: start; } .chart .middle { text-anchor: middle; } .chart .end { text-anchor: end; }
        .grid { stroke: var(--grid); } .base, .tick { stroke: var(--quiet); } .pause { stroke: var(--quiet); }
        .mark { stroke: var(--text); stroke-dasharray: 3 3; }
        .hint { fill: transparent; }
        .hint:hover { fill: var(--text); fill-opacity: 0.12; }
        .done { fill: var(--done); } .failed { fill: var(--failed); } .pending { fill: var(--pending); }
        .tokens { fill: var(--tokens); } .latency { fill: var(--latency); } .cost { fill: var(--cost); }
        .class-0 { fill: var(--class-0); } .class-1 { fill: var(--class-1); } .class-2 { fill: var(--class-2); }
        .class-3 { fill: var(--class-3); } .class-4 { fill: var(--class-4); } .class-5 { fill: var(--class-5); }
        .class-6 { fill: var(--class-6); } .class-7 { fill: var(--class-7); } .class-8 { fill: var(--class-8); }
        .class-9 { fill: var(--class-9); } .class-10 { fill: var(--class-10); }
        .legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; margin: 0.6rem 0 0; padding: 0; list-style: none; }
        .legend, .figures { font-size: 0.88rem; }
        .key { width: 0.7rem; height: 0.7rem; margin-right: 0.4rem; }
        .figures { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.3rem 1rem; margin: 0.5rem 0 0; }
        .figures dt { color: var(--quiet); } .figures dd { margin: 0; font-weight: 600; }
        table { width: 100%; border-collapse: collapse; font-size: 0.92rem; }
        tr + tr { border-top: 1px solid var(--grid); }
        th, td { padding: 0.28rem 0.6rem 0.28rem 0; text-align: left; vertical-align: baseline; }
        th { font-weight: 500; overflow-wrap: anywhere; }
        td.number { text-align: right; white-space: nowrap; width: 1%; }
        td.bar { width: 38%; padding: 0.28rem 0 0.28rem 0.4rem; }
        td.bar svg { display: block; width: 100%; height: 0.7rem; }
        td.text { overflow-wrap: anywhere; }
        .kinds, .exports { margin: 0; padding-left: 1.3rem; }
        .kinds li, .exports li { margin: 0.5rem 0; }
        code, pre { font: 0.88em/1.45 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        pre {
          margin: 0.4rem 0; padding: 0.6rem 0.8rem; max-height: 16rem; overflow: auto; white-space: pre-wrap;
          background: var(--page); border: 1px solid var(--edge); border-radius: 0.4rem;
        }
        summary { color: var(--quiet); font-size: 0.88rem; cursor: pointer; }
        footer { margin-top: 1.6rem; }
        @media print {
          :root {
            color-scheme: light; font-size: 10.5px;
            --page: #ffffff; --card: #ffffff; --edge: #c9c4bc; --text: #111111; --quiet: #4a4f57; --grid: #dddddd;
            --accent: #9a4a1c; --done: #0f766e; --failed: #c53030; --pending: #84909f; --tokens: #2b6cb0;
            --latency: #6b46c1; --cost: #9a6412; --class-0: #b7791f; --class-1: #c53030; --class-2: #6b46c1;
            --class-3: #2b6cb0; --class-4: #3f4858; --class-5: #b83280; --class-6: #2f855a; --class-7: #0e7490;
            --class-8: #7b5b3a; --class-9: #5f7416; --class-10: #718096;
          }
          @page { margin: 14mm; }
          body { max-width: none; padding: 0; font-size: 1rem; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          .tile { flex-basis: 22%; }
          .pair { grid-template-columns: 1fr 1fr; }
          .scroll .chart { min-width: 0; }
          h2, h3 { break-after: avoid; }
          .kinds li { break-inside: avoid; }
          details { display: none; }
        }

        """
}
