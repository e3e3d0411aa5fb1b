import Basics
import Testing

@testable import Verifiers

/// A pool of real processes: Python programs that read requests and behave well or badly.
struct WorkerPoolTests {
    private func request(_ id: String, response: String = #""x""#, round: Int = 1) -> VerifierRequest {
        VerifierRequest(
            id: Array(id.utf8), round: round, row: Array(#"{"n":1}"#.utf8), messages: Array("[]".utf8),
            response: Array(response.utf8))
    }

    private func pool(
        _ body: String, workers: Int = 2, timeout: Double = 60, environment: [String: String] = [:]
    ) -> WorkerPool {
        let program = """
            import json, os, sys, time
            def say(ok=None, **reply): print(json.dumps({**reply, "pass": ok}), flush=True)
            for number, line in enumerate(sys.stdin):
                request = json.loads(line)
                id = request["id"]
            """ + body.split(separator: "\n").map { "\n    \($0)" }.joined() + "\n"
        var environment = environment
        environment["PROGRAM"] = program
        environment["PATH"] = "/usr/bin:/bin"
        return WorkerPool(
            name: "test", command: #"exec python3 -I -S -c "$PROGRAM""#, workers: workers, timeout: .seconds(timeout),
            environment: environment)
    }

    /// Judges requests concurrently; nil for the verifier's failures.
    private func judge(_ pool: WorkerPool, _ count: Int) async -> [Result<Opinion, RetortError>] {
        let results = await withTaskGroup(of: (Int, Result<Opinion, RetortError>).self) { group in
            for number in 0..<count {
                group.addTask {
                    do throws(RetortError) {
                        return (number, .success(try await pool.judge(request("\(number)"))))
                    } catch { return (number, .failure(error)) }
                }
            }
            var results = [Result<Opinion, RetortError>?](repeating: nil, count: count)
            for await (number, result) in group { results[number] = result }
            return results.compactMap { $0 }
        }
        await pool.close()
        return results
    }

    private func opinions(_ results: [Result<Opinion, RetortError>]) -> [Opinion?] { results.map { try? $0.get() } }

    private func reasons(_ results: [Result<Opinion, RetortError>]) -> [String] {
        results.compactMap { if case .failure(let error) = $0 { error.cause } else { nil } }
    }

    @Test func workersJudgeInAnyOrder() async {
        let pool = pool(
            """
            if number % 2 == 0: kept = request; continue
            for one in [request, kept]: say(id=one["id"], sample=0, round=1, ok=int(one["id"]) % 3 == 0, feedback=one["id"])
            """, workers: 2)
        let results = opinions(await judge(pool, 8))
        for number in 0..<8 {
            #expect(results[number] == Opinion(pass: number % 3 == 0, feedback: "\(number)"))
        }
    }

    @Test func aWorkerThatCrashesAtEveryTenthRequestCostsNothing() async {
        let pool = pool(
            """
            if number == 9: os._exit(1)
            say(id=id, sample=0, ok=True, score=float(id))
            """)
        let results = opinions(await judge(pool, 200))
        #expect(results.compactMap(\.?.score) == (0..<200).map(Double.init))
    }

    @Test func theRequestThatAWorkerCannotBearFailsAlone() async {
        let pool = pool(
            """
            if id == "7": sys.exit("seven is too much")
            say(id=id, ok=True)
            """)
        let results = await judge(pool, 20)
        #expect(opinions(results).filter { $0 == nil }.count == 1)
        #expect(
            reasons(results) == ["its worker ended with exit status 1 before it answered; it wrote: seven is too much"])
    }

    @Test func aHungWorkerIsReplaced() async {
        let pool = WorkerPool(
            name: "test",
            command: #"""
                while read -r line; do
                    id=${line#*:\"}; id=${id%%\"*}
                    if [ "$id" = 3 ]; then sleep 600; fi
                    echo "{\"id\":\"$id\",\"pass\":true}"
                done
                """#,
            workers: 2, timeout: .seconds(1.5), environment: ["PATH": "/usr/bin:/bin"])
        let results = await judge(pool, 10)
        #expect(opinions(results).filter { $0 == nil }.count == 1)
        #expect(reasons(results) == ["its worker did not answer within 1.5 s"])
    }

    @Test(arguments: [
        (#"print("Hello", flush=True)"#, "wrote a line that is not JSON"),
        (#"os.write(1, b"x" * 6000000)"#, "wrote a line longer than 4 MiB"),
        (#"say(id="other", ok=True)"#, "answered a request that it was not given: id other"),
        (#"say(id=id, ok="yes")"#, "pass is neither true nor false"),
        (#"say(id=id, sample=1, ok=True)"#, "answered a request that it was not given"),
        (#"say(id=id, round=2, ok=True)"#, "answered a request that it was not given"),
        (#"say(id=id, ok=True, score=float("nan"))"#, "is not JSON"),
        (#"os.write(1, b"\xff\xfe\n")"#, "is not JSON"),
        ("while True: os.write(2, b\"noise\\n\" * 9999)", "wrote more than 16 MiB of errors and no answer"),
        ("os.write(1, b\"\\n\" * 100)", "is not JSON"),
    ])
    func aWorkerThatBabblesIsReplacedAndItsRequestsFail(_ body: String, _ reason: String) async {
        let results = await judge(pool(body + "\ntime.sleep(600)", workers: 1), 1)
        #expect(reasons(results).first?.contains(reason) == true, "\(results)")
    }

    @Test func aCommandThatIsNotThereFailsEachRequestSoon() async {
        let pool = WorkerPool(
            name: "test", command: "no-such-program-here", workers: 2, timeout: .seconds(20),
            environment: ["PATH": "/usr/bin:/bin"])
        let reasons = reasons(await judge(pool, 30))
        #expect(reasons.count == 30)
        #expect(reasons.allSatisfy { $0.contains("exit status 127") && $0.contains("not found") }, "\(reasons)")
    }

    @Test func keysAreKeptFromWorkers() async {
        let pool = pool(
            #"say(id=id, ok=True, feedback=" ".join(sorted(os.environ)))"#,
            environment: ["OPENAI_API_KEY": "secret", "my_api_key": "secret", "OTHER": "1"])
        let feedback = opinions(await judge(pool, 1))[0]?.feedback ?? ""
        #expect(feedback.contains("OTHER"))
        #expect(!feedback.uppercased().contains("API_KEY"))
    }

    @Test func workersHaveNoDescriptorsAndNoSignalsOfThisProcess() async {
        let pool = pool(
            """
            import signal
            held = sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1]
            say(id=id, ok=held == [0, 1, 2] and not signal.pthread_sigmask(0, []), feedback=str(held))
            """)
        #expect(opinions(await judge(pool, 1))[0]?.pass == true)
    }

    @Test func theChildrenOfAWorkerEndWithIt() async throws {
        let pool = pool(
            """
            child = os.fork()
            if child == 0: time.sleep(600)
            say(id=id, ok=True, score=child)
            """, workers: 1)
        let child = try #require(opinions(await judge(pool, 1))[0]?.score)
        #expect(processIsGone(Int32(child)))
    }

    @Test func aCancelledCallerIsAnsweredAtOnce() async {
        let pool = pool("time.sleep(600)")
        let task = Task { () -> Bool in
            do throws(RetortError) {
                _ = try await pool.judge(request("a"))
                return false
            } catch { return error.cause == "its caller was cancelled" }
        }
        task.cancel()
        #expect(await task.value)
        await pool.close()
    }

    @Test func aLargeRequestArrivesWhole() async {
        let pool = pool(#"say(id=id, ok=True, score=len(request["response"]))"#)
        let text = "\"" + String(repeating: "é", count: 3_000_000) + "\""
        let opinion = try? await pool.judge(request("a", response: text))
        #expect(opinion?.score == 3_000_000)
        await pool.close()
    }

    @Test func aClosedPoolTakesNothing() async {
        let pool = pool("say(id=id, ok=True)")
        await pool.close()
        await #expect(throws: RetortError.self) { try await pool.judge(request("a")) }
    }
}
