using System.CommandLine;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary><c>kubempi doctor</c>: whether MPI jobs can be run on a cluster, and why one does not run or has failed.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var job = new Argument<string?>("JOB") { Description = "The job's name; without it only the installation is looked at.", Arity = ArgumentArity.ZeroOrOne };
        var ns = new Option<string?>("--namespace", "-n") { Description = "The job's. Default: the kubeconfig's.", HelpName = "NAME" };
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Default: where kubectl looks.", HelpName = "FILE" };
        var context = new Option<string?>("--context") { Description = "Default: the kubeconfig's current one.", HelpName = "NAME" };
        var command = new Command("doctor", "Say why MPI jobs, or the one that is named, do not run, and what to do about it; changes nothing.") { job, ns, kubeconfig, context };
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
                var connection = ClusterConnection.Load(new ClusterConnectionOptions(parsed.GetValue(kubeconfig) ?? "", parsed.GetValue(context) ?? ""), TimeProvider.System);
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
        var faults = 0;
        // The local cluster has its operator built in: there is nothing installed to look at.
        if (!isLocal)
        {
            terminal.Line.Show("looking at the installation");
            Tell((await new InstallationDoctor(client, TimeProvider.System).ExamineAsync(cancellation)).All);
        }
        else if (job is null)
        {
            terminal.Line.Output($"context {KubeconfigText.Name} is the local cluster, which has its operator built in: kubempi doctor JOB looks at a job\n");
        }

        if (job is not null)
        {
            terminal.Line.Show($"looking at {job}");
            var found = 0;
            foreach (var dialect in ManifestDialects.All)
            {
                var findings = new Findings();
                JobScene? scene = null;
                await findings.LookAsync($"{dialect.Kind} {ns}/{job}", async () => scene = await FindAsync(client, dialect.Kind, ns, job, findings, cancellation));
                if (scene is not null)
                {
                    found++;
                    terminal.Line.Output($"{dialect.Kind} {ns}/{job}:\n");
                    foreach (var finding in new JobDoctor(dialect).Examine(scene, TimeProvider.System.GetUtcNow())) findings.Add(finding);
                }

                Tell(findings.All);
                if (findings.All.Count > 0 && scene is null) found++;
            }

            if (found == 0)
            {
                terminal.Line.Show("");
                terminal.Line.Say($"kubempi doctor: there is no job {job} in namespace {ns} (--namespace names another)");
                return ExitCode.Usage;
            }
        }

        terminal.Line.Show("");
        if (faults > 0) terminal.Line.Say($"{faults} {(faults == 1 ? "fault" : "faults")}");
        return faults == 0 ? ExitCode.Success : ExitCode.Failure;

        void Tell(IEnumerable<Finding> findings)
        {
            foreach (var finding in findings)
            {
                if (finding.Verdict == Verdict.Fault) faults++;
                terminal.Line.Output(finding.ToText(terminal.Colour && !Console.IsOutputRedirected));
            }
        }
    }

    /// <summary>Null where there is no such job.</summary>
    private static async Task<JobScene?> FindAsync(KubeClient client, ResourceKind kind, string ns, string name, Findings findings, CancellationToken cancellation)
    {
        try
        {
            return await JobScene.LoadAsync(client, kind, ns, name, findings, cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }
}
