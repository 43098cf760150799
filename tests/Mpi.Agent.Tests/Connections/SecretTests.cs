using System.Collections.Immutable;
using System.Net;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>A job's keys are read from their folder, and stand nowhere else.</summary>
public sealed class SecretTests
{
    /// <summary>A start with all that is said on the way: a stranger, a worker that is lost, a program that does not exist, and what a program of the user's can see.</summary>
    [Fact]
    public async Task No_line_that_the_agent_says_and_nothing_that_its_programs_see_holds_a_key()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        var first = job.StartWorker("pi-worker-0");
        var seen = await job.CallAsync("pi-worker-0", "sh -c 'env; tr \"\\0\" \"\\n\" < /proc/self/cmdline; ls -l /proc/self/fd'");
        await using (var other = new AgentJob())
        {
            var stranger = await job.Agent.Network.ConnectAsync(new IPEndPoint(IPAddress.Loopback, job.Port), TestContext.Current.CancellationToken);
            await Assert.ThrowsAnyAsync<IOException>(() => new Handshake(new JobTls(other.Worker), TimeProvider.System, LivenessPace.Default).ConnectAsync(stranger, new Hello(AgentRole.Worker, "pi-worker-0", Guid.NewGuid()), TestContext.Current.CancellationToken));
        }

        var said = new List<string> { seen.Output, seen.Error };
        said.Add((await Assert.ThrowsAsync<IOException>(() => job.CallAsync("pi-worker-0", "no-such-orted"))).Message);
        await using var lost = await job.BeginAsync("pi-worker-0", "sleep 1000");
        await job.CallAsync("pi-worker-0", "true");
        await first.CancelAsync();
        said.Add((await Assert.ThrowsAnyAsync<IOException>(lost.EndAsync)).Message);
        await job.WaitForAsync(() => !job.Lost.IsEmpty);

        said.Add(new AgentReport { Launcher = new LauncherReport { Lost = [.. job.Lost] } }.ToTerminationMessage());
        said.Add(job.Said);

        Assert.Contains("WORKER=pi-worker-0", seen.Output, StringComparison.Ordinal);
        Assert.Contains("connected to pi-launcher", job.Said, StringComparison.Ordinal);
        Assert.All(said, text => Assert.Null(PartOf(job.Certificates, text)));
    }

    [Theory]
    [InlineData(AgentContract.CertificateFile)]
    [InlineData(AgentContract.KeyFile)]
    [InlineData(AgentContract.PeerFile)]
    public void Credentials_that_are_damaged_are_named_and_never_quoted(string file)
    {
        using var environment = new TestEnvironment();
        var job = JobCertificates.Create();
        foreach (var (name, text) in ((string, string)[])[(AgentContract.CertificateFile, job.WorkerCertificate), (AgentContract.KeyFile, job.WorkerKey), (AgentContract.PeerFile, job.LauncherCertificate)])
        {
            // One character in the middle of what it holds.
            File.WriteAllText(environment.File(name), name == file ? text.Remove(text.Length / 2, 1) : text);
        }

        var fault = Assert.Throws<IOException>(() => AgentCredentials.Load(environment.Folder));

        Assert.Contains(environment.Folder, fault.Message, StringComparison.Ordinal);
        Assert.Null(PartOf(job, fault.ToString()));
    }

    /// <summary>A line of a key, or the middle of one, that stands in the text.</summary>
    private static string? PartOf(JobCertificates job, string text)
    {
        ImmutableArray<string> keys = [job.LauncherKey, job.WorkerKey];
        return keys.SelectMany(static key => key.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Where(static line => !line.StartsWith('-'))
            .SelectMany(static line => line.Chunk(16).Where(static part => part.Length == 16).Select(static part => new string(part)))
            .FirstOrDefault(part => text.Contains(part, StringComparison.Ordinal));
    }
}
