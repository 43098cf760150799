using System.Diagnostics;
using System.Text;

namespace EndToEnd;

/// <summary>A home and a runtime folder of the test's own, so that nothing of the user who runs the tests is touched, and their background cluster.</summary>
internal sealed class Household : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kubempi-up-");
    private readonly CancellationTokenSource _limit;

    /// <summary>The program as built beside the tests, or another one, such as the published file (<c>KUBEMPI_E2E_PROGRAM</c>).</summary>
    private static string[] Program { get; } = Environment.GetEnvironmentVariable("KUBEMPI_E2E_PROGRAM") is { Length: > 0 } other
        ? [other]
        : ["dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "kubempi.dll")];

    /// <param name="patience">Only ends a test that hangs.</param>
    public Household(TimeSpan patience)
    {
        _limit = new CancellationTokenSource(patience);
        Directory.CreateDirectory(Home);
        Directory.CreateDirectory(Runtime, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Lookout = new Lookout(Path.Combine(Runtime, "kubempi"));
    }

    /// <summary>Holds its clusters against the rules.</summary>
    public Lookout Lookout { get; }

    public CancellationToken Limit => _limit.Token;

    /// <summary><c>HOME</c>.</summary>
    public string Home => Path.Combine(_folder.FullName, "home");

    /// <summary><c>XDG_RUNTIME_DIR</c>: where clusters keep their state.</summary>
    public string Runtime => Path.Combine(_folder.FullName, "runtime");

    /// <summary>Where kubectl looks.</summary>
    public string Kubeconfig => Path.Combine(Home, ".kube", "config");

    /// <summary>The cluster's own kubeconfig, whatever else there is.</summary>
    public string ClusterKubeconfig => Path.Combine(Runtime, "kubempi", "up", "kubeconfig");

    /// <summary>Runs the program to its end.</summary>
    public async Task<KubempiResult> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        return await EndAsync(process);
    }

    /// <summary>Runs a line of a user's shell in the checkout, whose kubectl means the background cluster.</summary>
    /// <returns>Its standard output; a line that fails fails the test.</returns>
    public async Task<string> ShellAsync(string line)
    {
        var start = new ProcessStartInfo("bash", ["-c", line]) { WorkingDirectory = Kubempi.Root, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["KUBECONFIG"] = Kubeconfig;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Limit), process.StandardError.ReadToEndAsync(Limit));
        await process.WaitForExitAsync(Limit);
        Assert.True(process.ExitCode == 0, $"{line}\nexit code {process.ExitCode}\n{await output}\n{await error}");
        return await output;
    }

    private async Task<KubempiResult> EndAsync(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync(Limit);
        var error = process.StandardError.ReadToEndAsync(Limit);
        try
        {
            await process.WaitForExitAsync(Limit);
            return new KubempiResult(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    /// <summary>Runs kubectl with the background cluster, from the repository's root; it must succeed.</summary>
    public async Task<KubempiResult> KubectlAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("kubectl", arguments) { WorkingDirectory = Kubempi.Root, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["KUBECONFIG"] = ClusterKubeconfig;
        using var process = Process.Start(start)!;
        var result = await EndAsync(process);
        result.ShouldEndWith(0);
        return result;
    }

    public Process Start(params string[] arguments)
    {
        // A shell starts its background jobs with SIGINT ignored, and whoever runs these tests may be one.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", .. Program, .. arguments])
        {
            WorkingDirectory = Kubempi.Root,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["KUBEMPI_HOME"] = Kubempi.Root;
        start.Environment["XDG_RUNTIME_DIR"] = Runtime;
        start.Environment["XDG_CACHE_HOME"] = Path.Combine(Path.GetTempPath(), $"kubempi-e2e-cache-{Environment.UserName}");
        start.Environment["HOME"] = Home;
        start.Environment.Remove("KUBECONFIG");
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>The background cluster's process.</summary>
    public int ClusterPid()
    {
        var record = System.Text.Json.JsonElement.Parse(File.ReadAllBytes(Path.Combine(Runtime, "kubempi", "up", "cluster.json")));
        return int.Parse(record.GetProperty("process").GetString()!.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await Lookout.RestAsync();
        using var late = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var down = Start("down");
        await down.WaitForExitAsync(late.Token);
        _limit.Dispose();
        _folder.Delete(recursive: true);
        await Lookout.DisposeAsync();
    }
}
