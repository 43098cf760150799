using System.Diagnostics;
using Kube.Nodes.Linux;

namespace Kube.Nodes.Tests;

/// <summary>Run by root, these tests run all the others once more as somebody with no rights and no subordinate IDs.</summary>
[Trait("Category", "sandbox")]
public sealed class OrdinaryUserTests
{
    private const string Nobody = "65534";

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
            var info = new ProcessStartInfo("setpriv", [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", dotnet, assembly, "-trait", "Category=sandbox", "-noColor"]) { RedirectStandardOutput = true, UseShellExecute = false };
            info.Environment["HOME"] = home.FullName;
            info.Environment["TMPDIR"] = home.FullName;
            info.Environment["USER"] = "nobody";
            info.Environment["KUBE_NODES_TEST_MODE"] = nameof(SandboxMode.SingleId);
            using var run = Process.Start(info)!;
            var output = await run.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await run.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(run.ExitCode == 0, output);
            Assert.DoesNotContain("Total: 0", output, StringComparison.Ordinal);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }
}
