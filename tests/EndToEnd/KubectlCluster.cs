using System.Diagnostics;
using System.Text;
using Kube.Client;
using Kube.Types;
using Mpi.LocalCluster;

namespace EndToEnd;

/// <summary>A local cluster in this process, and stock kubectl beside it, as users have them.</summary>
public sealed class KubectlCluster : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kubempi-kubectl-");
    private readonly Lookout _lookout;
    private LocalCluster? _cluster;

    public KubectlCluster() => _lookout = new Lookout(Path.Combine(_folder.FullName, "state"));

    /// <summary>The kubectls to try: <c>KUBEMPI_KUBECTL</c> names several, separated by colons.</summary>
    public static string[] Kubectls => (Environment.GetEnvironmentVariable("KUBEMPI_KUBECTL") is { Length: > 0 } named ? named : "kubectl").Split(':');

    /// <summary>For theories that hold for every kubectl.</summary>
    public static TheoryData<string> Each => [.. Kubectls];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public string Kubeconfig => _cluster!.Kubeconfig;

    /// <summary>A client as a program of its own would have it: by the kubeconfig.</summary>
    public KubeClient Connect() => ClusterConnection.Load(new ClusterConnectionOptions(Kubeconfig), TimeProvider.System).CreateClient(KubeClientOptions.Default, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        _cluster = await LocalCluster.StartAsync(
            new LocalClusterOptions
            {
                StateParent = Path.Combine(_folder.FullName, "state"),
                Cache = Path.Combine(_folder.FullName, "cache"),
                ImagePath = [Path.Combine(Kubempi.Root, "images")],
                Program = new HostProgram(["/bin/false"], []),
                Notice = static _ => { },
                VirtualNodes = Pretending.Nodes(1, new Dictionary<string, string>(StringComparer.Ordinal)),
            },
            Cancelled);
        await RunAsync("kubectl", "wait --for=condition=Ready node/local --timeout=30s");
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: work, labels: {app: work}, annotations: {kubectl.kubernetes.io/default-container: side}}
            spec:
              terminationGracePeriodSeconds: 1
              initContainers:
              - {name: first, image: scratch/none, command: [sh, -c, "echo from init"]}
              containers:
              - {name: main, image: scratch/none, command: [sh, -c, "for i in 1 2 3; do echo line $i; done; exec sleep 100000"]}
              - {name: side, image: scratch/none, command: [sh, -c, "echo aside; exec sleep 100000"], securityContext: {runAsUser: 1000}}
            """);
        await RunAsync("kubectl", "wait --for=condition=Ready pod/work --timeout=30s");
    }

    public async ValueTask DisposeAsync()
    {
        await _lookout.RestAsync();
        if (_cluster is not null) await _cluster.DisposeAsync();
        await _lookout.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    public async Task ApplyAsync(string manifest)
    {
        var file = Path.Combine(_folder.FullName, $"{Guid.NewGuid()}.yaml");
        await File.WriteAllTextAsync(file, manifest, Cancelled);
        (await RunAsync("kubectl", $"apply -f {file}")).ShouldBe(0);
    }

    /// <summary>Runs a line of shell in which <c>kubectl</c> is the one that is given, without a terminal.</summary>
    public async Task<KubectlResult> RunAsync(string kubectl, string arguments, byte[]? input = null, string after = "")
    {
        using var process = Start(kubectl, ["sh", "-c", $"{kubectl} {arguments}{after}"]);
        return await EndAsync(process, input);
    }

    /// <summary>Runs kubectl in a terminal of its own, of 97 columns and 31 rows, and types into it.</summary>
    public Typist InTerminal(string kubectl, string arguments) =>
        new(Start(kubectl, ["script", "--quiet", "--return", "--echo", "never", "--command", $"stty cols 97 rows 31; exec {kubectl} {arguments}", "/dev/null"]));

    public Process Start(string kubectl, IReadOnlyList<string> command)
    {
        // A shell may have started us with SIGINT ignored, and these tests send it.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", .. command]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["KUBECONFIG"] = Kubeconfig;
        start.Environment["KUBECTL"] = kubectl;
        return Process.Start(start)!;
    }

    private static async Task<KubectlResult> EndAsync(Process process, byte[]? input)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        limit.CancelAfter(Patience);
        using var output = new MemoryStream();
        var reading = process.StandardOutput.BaseStream.CopyToAsync(output, limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await GiveAsync(process.StandardInput, input ?? [], limit.Token);
            await process.WaitForExitAsync(limit.Token);
            await reading;
            return new KubectlResult(process.ExitCode, output.ToArray(), await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>A kubectl that ends before it has read everything says why itself: by its exit code and its words, not by our broken pipe.</summary>
    private static async Task GiveAsync(StreamWriter stdin, byte[] input, CancellationToken cancellation)
    {
        try
        {
            await stdin.BaseStream.WriteAsync(input, cancellation);
            stdin.Close();
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Somebody before a terminal.</summary>
    public sealed class Typist(Process process) : IDisposable
    {
        private readonly StringBuilder _seen = new();

        public async Task TypeAsync(string text)
        {
            await process.StandardInput.WriteAsync(text.AsMemory(), Cancelled);
            await process.StandardInput.FlushAsync(Cancelled);
        }

        /// <summary>Reads on until a text has been seen that was not seen before.</summary>
        public async Task SeeAsync(string wanted)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            limit.CancelAfter(Patience);
            var buffer = new char[4096];
            while (_seen.ToString().IndexOf(wanted, StringComparison.Ordinal) is var at)
            {
                if (at >= 0)
                {
                    _seen.Remove(0, at + wanted.Length);
                    return;
                }

                int read;
                try
                {
                    read = await process.StandardOutput.ReadAsync(buffer, limit.Token);
                }
                catch (OperationCanceledException) when (!Cancelled.IsCancellationRequested)
                {
                    read = 0;
                }

                Assert.True(read > 0, $"no \"{wanted}\" in: {_seen}");
                _seen.Append(buffer, 0, read);
            }
        }

        public async Task<int> EndAsync()
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            limit.CancelAfter(Patience);
            _seen.Append(await process.StandardOutput.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode;
        }

        public void Dispose()
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.Dispose();
        }
    }
}

public sealed record KubectlResult(int ExitCode, byte[] Bytes, string Error)
{
    public string Output => Encoding.UTF8.GetString(Bytes);

    public KubectlResult ShouldBe(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, wanted {exitCode}\n--- output\n{Output}\n--- error\n{Error}");
        return this;
    }
}
