using System.Globalization;
using Benchmarks.AgentLoad;

// What one launcher's process pays for its workers, and how long remote-shell calls of them take. The native agent is what is measured;
// its workers are stubs that this program holds, each with its own connection, or with --processes the agent's own workers.
//
//   dotnet publish src/Mpi.Agent -r linux-x64 -o out
//   dotnet run -c Release --project benchmarks/AgentLoad -- out/kubempi-agent [--workers N] [--calls N] [--turns N] [--processes]

if (args is not [var agent, ..] || !File.Exists(agent))
{
    Console.Error.WriteLine("AgentLoad: the first argument is the native agent (dotnet publish src/Mpi.Agent -r linux-x64 -o out).");
    return 2;
}

var (workers, turns) = (Number("--workers", 64), Number("--turns", 10));
var calls = Math.Min(Number("--calls", 64), workers);
using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(10));
using var job = JobFolder.Make(Path.GetFullPath(agent));
await using var launcher = await LauncherProcess.StartAsync(job, stop.Token);
var before = launcher.Usage();
Console.WriteLine($"launcher's process without workers: {before.Memory / 1e6:0.0} MB");

var begin = TimeProvider.System.GetTimestamp();
await using IAsyncDisposable held = args.Contains("--processes") ? WorkerProcesses.Start(job, workers) : await StubWorkers.DialAsync(job, workers, stop.Token);
await RemoteShellCalls.RunAsync(job, workers, stop.Token);
var took = TimeProvider.System.GetElapsedTime(begin);
await Task.Delay(TimeSpan.FromSeconds(2), stop.Token);
var after = launcher.Usage();
Console.WriteLine($"{workers} workers: connected and each called once after {took.TotalSeconds:0.0} s; in the launcher's process {(after.Memory - before.Memory) / 1e3 / workers:0} KB and {(after.Processor - before.Processor).TotalMilliseconds / workers:0.0} ms of CPU a worker, {after.Memory / 1e6:0.0} MB in all");

var rest = TimeSpan.FromSeconds(20);
await Task.Delay(rest, stop.Token);
Console.WriteLine($"at rest: {(launcher.Usage().Processor - after.Processor) / rest:0.0%} of a processor");

// Taking turns, so that a busy machine hurts both alike.
var (measured, floor) = (new List<double>(), new List<double>());
for (var turn = 0; turn < turns; turn++)
{
    floor.Add((await RemoteShellCalls.RunAsync(job, calls, stop.Token, instead: "/bin/true")).TotalSeconds);
    measured.Add((await RemoteShellCalls.RunAsync(job, calls, stop.Token)).TotalSeconds);
}

measured.Sort();
floor.Sort();
Console.WriteLine($"{calls} calls at once, median of {turns}: {measured[turns / 2]:0.000} s ({measured[0]:0.000} to {measured[^1]:0.000}); as many starts of /bin/true: {floor[turns / 2]:0.000} s");
return 0;

int Number(string name, int otherwise)
{
    var at = Array.IndexOf(args, name);
    return at < 0 ? otherwise : int.Parse(args[at + 1], CultureInfo.InvariantCulture);
}
