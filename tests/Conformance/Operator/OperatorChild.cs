using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Conformance;

/// <summary>
/// <c>kubempi operator</c> as a process of its own, which holds the token of its service account and nothing else: on a real
/// server it has the rights of deploy/install.yaml and no others.
/// </summary>
internal sealed class OperatorChild : IAsyncDisposable
{
    private const string Account = "mpi-operator";

    /// <summary>It finishes what is under way and gives its lease back; both have their own limits, of a few seconds.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<string> _log = new();
    private readonly DirectoryInfo _folder;
    private readonly Process _process;

    private OperatorChild(DirectoryInfo folder, Process process)
    {
        (_folder, _process) = (folder, process);
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Watches the ground's namespace alone, so that other jobs of the cluster stay with whoever has them.</summary>
    public static Task<OperatorChild> StartAsync(MpiJobGround ground, params string[] flags) => StartAsync(ground.Target, [$"--namespace={ground.Namespace}", .. flags]);

    public static async Task<OperatorChild> StartAsync(Target target, params string[] flags)
    {
        var folder = Directory.CreateTempSubdirectory("conformance-operator-");
        var kubeconfig = Path.Combine(folder.FullName, "kubeconfig");
        await File.WriteAllTextAsync(kubeconfig, target.KubeconfigOf(await TokenAsync(target)));
        var start = new ProcessStartInfo(
            "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "kubempi.dll"), "operator", "--health-port=0", .. flags])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["KUBECONFIG"] = kubeconfig;
        return new OperatorChild(folder, Process.Start(start)!);
    }

    /// <summary>Rights were taken from it on purpose: a job that another test left may meet that.</summary>
    public bool LacksRights { get; set; }

    /// <summary>What it has said so far.</summary>
    public string Log => string.Join('\n', _log);

    public async ValueTask DisposeAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"])) await kill.WaitForExitAsync();
        using var limit = new CancellationTokenSource(EndLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
            _folder.Delete(recursive: true);
        }

        Assert.True(_process.ExitCode == 0, $"the operator ended with {_process.ExitCode}\n{string.Join('\n', _log)}");
        // Nothing it asked for was refused: the manifests give it what it needs.
        Assert.DoesNotContain(_log, line => (!LacksRights && line.Contains("forbidden", StringComparison.OrdinalIgnoreCase)) || line.Contains("a bug of the operator", StringComparison.Ordinal));
        _process.Dispose();
    }

    private static async Task<string> TokenAsync(Target target)
    {
        var request = new JsonObject
        {
            ["apiVersion"] = "authentication.k8s.io/v1",
            ["kind"] = "TokenRequest",
            ["metadata"] = new JsonObject { ["name"] = Account, ["namespace"] = Account },
            ["spec"] = new JsonObject { ["expirationSeconds"] = 3600 },
        };
        var answer = await target.Client.CreateAsync(Kinds.ServiceAccount, KubeObject.From(request), "token", TestContext.Current.CancellationToken);
        return answer.Root.Text("status", "token")!;
    }

    private void Keep(string? line)
    {
        if (line is not null) _log.Enqueue(line);
    }
}
