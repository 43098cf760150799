using System.CommandLine;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.LocalCluster;
using Mpi.Model;

namespace Mpi.Cli;

/// <summary><c>kubempi doctor</c>: whether MPI jobs can be run on a cluster, and why one does not run or has failed.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var job = new Argument<string?>("JOB") { Description = "The job's name; without it only the installation is looked at.", Arity = ArgumentArity.ZeroOrOne };
        var ns = new Option<string?>("--namespace", "-n") { Description = "The job's. Default: the kubeconfig's.", HelpName = "NAME" };
        var cluster = new ClusterChoice();
        var command = new Command("doctor", "Say why MPI jobs, or the one that is named, do not run, and what to do about it; changes nothing.") { job, ns };
        cluster.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(job) is { } name && Names.CheckDns1123Subdomain(name) is { IsEmpty: false } faults) result.AddError($"JOB: \"{name}\": {string.Join(", ", faults)}");
            if (result.GetValue(ns) is { } space && Names.CheckDns1123Label(space) is { IsEmpty: false } wrong) result.AddError($"--namespace: \"{space}\": {string.Join(", ", wrong)}");
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = RunTerminal.Open(json: false);
            try
            {
                var connection = cluster.Load(parsed);
                using var client = connection.CreateClient(KubeClientOptions.Default, TimeProvider.System);
                return await ExamineAsync(client, terminal, connection.Context == KubeconfigText.Name, parsed.GetValue(ns) ?? connection.Namespace, parsed.GetValue(job), cancellation);
            }
            catch (ConnectionException fault)
            {
                terminal.Line.Say($"kubempi doctor: {fault.Message}");
                return ExitCode.Usage;
            }
            catch (HttpRequestException silence)
            {
                terminal.Line.Show("");
                terminal.Line.Say($"kubempi doctor: the API server does not answer: {silence.Message}");
                return ExitCode.Failure;
            }
        });
        return command;
    }

    private static async Task<int> ExamineAsync(KubeClient client, RunTerminal terminal, bool isLocal, string ns, string? job, CancellationToken cancellation)
    {
        var report = new FindingReport(terminal);
        if (!isLocal)
        {
            terminal.Line.Show("looking at the installation");
            report.Tell(await new InstallationDoctor(client, TimeProvider.System).ExamineAsync(cancellation));
        }
        else if (job is null)
        {
            terminal.Line.Output($"context {KubeconfigText.Name} is the local cluster, which has its operator built in: kubempi doctor JOB looks at a job\n");
        }

        if (job is not null)
        {
            terminal.Line.Show($"looking at {job}");
            var found = false;
            foreach (var dialect in ManifestDialects.All) found |= await ExamineJobAsync(client, dialect, ns, job, report, cancellation);
            if (!found)
            {
                terminal.Line.Show("");
                terminal.Line.Say($"kubempi doctor: there is no job {job} in namespace {ns} (--namespace names another)");
                return ExitCode.Usage;
            }
        }

        return report.End();
    }

    /// <returns>False where there is no such job.</returns>
    private static async Task<bool> ExamineJobAsync(KubeClient client, IDialect dialect, string ns, string name, FindingReport report, CancellationToken cancellation)
    {
        var findings = new Findings();
        await findings.LookAsync($"{dialect.Kind} {ns}/{name}", async () =>
        {
            if (await JobScene.LoadAsync(client, dialect.Kind, ns, name, findings, cancellation) is not { } scene) return;
            report.Title($"{dialect.Kind} {ns}/{name}:");
            foreach (var finding in new JobDoctor(dialect).Examine(scene, TimeProvider.System.GetUtcNow())) findings.Add(finding);
        });
        report.Tell(findings);
        return findings.All.Count > 0;
    }
}
