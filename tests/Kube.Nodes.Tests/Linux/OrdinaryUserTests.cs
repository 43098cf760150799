using System.Diagnostics;
using System.Text;
using Kube.Nodes.Linux;

namespace Kube.Nodes.Tests;

/// <summary>Run by root, these tests run all the others once more as somebody with no rights and no subordinate IDs.</summary>
[Trait("Category", "sandbox")]
public sealed class OrdinaryUserTests
{
    private const string Nobody = "65534";

    /// <summary>Many times what they take; less than a whole run may.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    [Fact]
    public async Task Everything_holds_for_an_ordinary_user_too()
    {
        if (!LibC.IsRoot) return;
        var assembly = typeof(OrdinaryUserTests).Assembly.Location;
        var dotnet = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
        var home = Directory.CreateTempSubdirectory("kube-nodes-home");
        File.SetUnixFileMode(home.FullName, SandboxFiles.OpenFolder);
        try
        {
            var reading = await Tool.RunAsync(["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "test", "-r", assembly], TimeSpan.FromSeconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
            if (reading.ExitCode != 0) Assert.Skip($"{assembly} cannot be read by an ordinary user");
            var info = new ProcessStartInfo("setpriv", [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", dotnet, assembly, "-trait", "Category=sandbox", "-noColor", "-longRunning", "60"]) { RedirectStandardOutput = true, UseShellExecute = false };
            info.Environment["HOME"] = home.FullName;
            info.Environment["TMPDIR"] = home.FullName;
            info.Environment["USER"] = "nobody";
            info.Environment["KUBE_NODES_TEST_MODE"] = nameof(SandboxMode.SingleId);
            using var run = Process.Start(info)!;
            var (code, output) = await EndAsync(run);
            Assert.True(code == 0, output);
            Assert.DoesNotContain("Total: 0", output, StringComparison.Ordinal);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    /// <summary>Its exit code, null when it had to be ended, and what it wrote: the tests that hang are named there.</summary>
    private static async Task<(int? Code, string Output)> EndAsync(Process run)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(Limit);
        var output = new StringBuilder();
        try
        {
            while (await run.StandardOutput.ReadLineAsync(late.Token) is { } line) output.AppendLine(line);
            await run.WaitForExitAsync(late.Token);
            return (run.ExitCode, output.ToString());
        }
        catch (OperationCanceledException)
        {
            run.Kill(entireProcessTree: true);
            return (null, output.ToString());
        }
    }
}
