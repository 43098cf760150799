using System.Diagnostics;
using System.Globalization;

namespace EndToEnd;

/// <summary>A run that is cut short leaves no process and no file behind, however it is cut short.</summary>
[Collection("this machine")]
public sealed class LeftoverTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Ctrl_C_ends_a_run_with_130_and_leaves_nothing()
    {
        await using var scene = new Scene();
        var run = scene.StartSleepingJob();
        var descendants = await scene.UntilLauncherRunsAsync(run);

        Signal(run, "INT");
        await run.WaitForExitAsync(scene.Limit);

        Assert.Equal(130, run.ExitCode);
        await scene.ShouldBeEmptyAsync(descendants);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scene.Runtime));
    }

    [Fact]
    public async Task After_kill_9_the_kernel_ends_every_pod_and_the_next_run_removes_the_folder()
    {
        await using var scene = new Scene();
        var run = scene.StartSleepingJob();
        var descendants = await scene.UntilLauncherRunsAsync(run);
        Signal(run, "KILL");
        await run.WaitForExitAsync(scene.Limit);
        await scene.ShouldBeEmptyAsync(descendants);

        var next = scene.Start("run", "examples/hostname/hostname.yaml");
        next.BeginErrorReadLine();
        next.BeginOutputReadLine();
        await next.WaitForExitAsync(scene.Limit);
        Assert.Equal(0, next.ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scene.Runtime));
    }

    [Fact]
    public async Task A_timeout_ends_a_run_with_124()
    {
        await using var scene = new Scene();
        var run = scene.StartSleepingJob("--timeout", "3s");
        run.BeginErrorReadLine();
        run.BeginOutputReadLine();
        await run.WaitForExitAsync(scene.Limit);
        Assert.Equal(124, run.ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scene.Runtime));
    }

    private static void Signal(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>A folder of the test's own for everything that a run writes on this machine, and a job that would run for long.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kubempi-left-");
        private readonly CancellationTokenSource _limit = new(Patience);
        private readonly List<Process> _started = [];
        private readonly Lookout _lookout;

        public Scene() => _lookout = new Lookout(Path.Combine(Runtime, "kubempi"));

        public CancellationToken Limit => _limit.Token;

        /// <summary>Where clusters keep their state (<c>XDG_RUNTIME_DIR</c>).</summary>
        public string Runtime => Directory.CreateDirectory(Path.Combine(_folder.FullName, "runtime")).FullName;

        public Process StartSleepingJob(params string[] options)
        {
            var file = Path.Combine(_folder.FullName, "sleeper.yaml");
            File.WriteAllText(file, Sleeper.Manifest);
            return Start(["run", file, .. options]);
        }

        public Process Start(params string[] arguments)
        {
            // A shell starts its background jobs with SIGINT ignored, and whoever runs these tests may be one.
            var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "kubempi.dll"), .. arguments])
            {
                WorkingDirectory = Kubempi.Root,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["KUBEMPI_HOME"] = Kubempi.Root;
            start.Environment["XDG_RUNTIME_DIR"] = Runtime;
            _started.Add(Process.Start(start)!);
            return _started[^1];
        }

        /// <returns>Everything that the run has started, each as its PID with its start time, because PIDs are used again.</returns>
        public async Task<IReadOnlyList<string>> UntilLauncherRunsAsync(Process run)
        {
            run.BeginOutputReadLine();
            while (await run.StandardError.ReadLineAsync(Limit) is { } line)
            {
                if (!line.Contains("launcher started", StringComparison.Ordinal)) continue;
                var descendants = Descendants(run.Id);
                Assert.NotEmpty(descendants);
                return descendants;
            }

            throw new InvalidOperationException("the run ended before its launcher started");
        }

        /// <summary>The kernel takes a moment to end a PID namespace.</summary>
        public async Task ShouldBeEmptyAsync(IReadOnlyList<string> descendants)
        {
            while (descendants.Any(static d => File.Exists($"/proc/{d.Split(' ')[0]}/stat") && Identity(int.Parse(d.Split(' ')[0], CultureInfo.InvariantCulture)) == d))
            {
                await Task.Delay(50, Limit);
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var run in _started)
            {
                if (!run.HasExited) run.Kill(entireProcessTree: true);
                run.Dispose();
            }

            await _lookout.DisposeAsync();
            _limit.Dispose();
            _folder.Delete(recursive: true);
        }

        private static List<string> Descendants(int root)
        {
            var parents = Directory.EnumerateDirectories("/proc")
                .Select(static d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0)
                .Where(static pid => pid > 0)
                .Select(static pid => (Pid: pid, Stat: Stat(pid)))
                .Where(static p => p.Stat.Length > 1)
                .ToLookup(static p => int.Parse(p.Stat[1], CultureInfo.InvariantCulture), static p => p.Pid);
            var found = new List<int>();
            var open = new Queue<int>([root]);
            while (open.TryDequeue(out var pid))
            {
                foreach (var child in parents[pid])
                {
                    found.Add(child);
                    open.Enqueue(child);
                }
            }

            return [.. found.Select(Identity)];
        }

        private static string Identity(int pid) => $"{pid} {(Stat(pid) is { Length: > 19 } fields ? fields[19] : "gone")}";

        /// <summary>The fields of proc(5)'s stat from the state on.</summary>
        private static string[] Stat(int pid)
        {
            try
            {
                var text = File.ReadAllText($"/proc/{pid}/stat");
                return text[(text.LastIndexOf(')') + 2)..].Split(' ');
            }
            catch (IOException)
            {
                return [];
            }
        }
    }
}
