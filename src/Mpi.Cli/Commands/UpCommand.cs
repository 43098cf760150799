using System.CommandLine;
using System.Globalization;
using Kube.Types;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary><c>kubempi up</c>: the local cluster in the background, with a kubeconfig for kubectl.</summary>
internal static class UpCommand
{
    public const string PretendHelp = "How many devices and the like this machine pretends to have, such as nvidia.com/gpu=4; 0 for none. Default: as many as pods ask for.";

    private const int VirtualNodesMax = 10_000;

    /// <summary>Stands for any server, where only the file that would name it is looked at.</summary>
    private static readonly KubeconfigEntry Probe = new(new Uri("https://127.0.0.1:1"), "", "", "");

    public static Command Create()
    {
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Add the cluster to this kubeconfig; made when absent. Default: where kubectl looks ($KUBECONFIG, ~/.kube/config).", HelpName = "FILE" };
        var nodes = new Option<int>("--virtual-nodes") { Description = "Add nodes whose pods only pretend (docs/local-cluster.md).", HelpName = "N" };
        nodes.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && (!int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > VirtualNodesMax)) result.AddError($"--virtual-nodes: \"{token.Value}\" is no number from 0 to {VirtualNodesMax}");
        });
        var resources = ResourceList.Option("--virtual-node-resources", "What each virtual node offers, such as cpu=64,memory=256Gi,nvidia.com/gpu=8.");
        var pretended = ResourceList.Option("--pretend-resource", PretendHelp);
        var pids = new Option<int?>("--pod-pids-limit") { Description = "How many processes and threads one pod may have, as with the kubelet's podPidsLimit. Default: no limit.", HelpName = "N" };
        pids.Validators.Add(static result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0)) result.AddError($"--pod-pids-limit: \"{token.Value}\" is no number above 0");
        });
        var domain = new Option<string?>("--cluster-domain") { Description = "What the names of pods and Services end with, as with the kubelet's clusterDomain. Default: cluster.local.", HelpName = "DOMAIN" };
        domain.Validators.Add(static result =>
        {
            if (result.Tokens is [var token] && Names.CheckDns1123Subdomain(token.Value) is [var fault, ..]) result.AddError($"--cluster-domain: \"{token.Value}\": {fault}");
        });
        var images = new Option<string[]>("--images") { Description = "A folder of image stand-ins, besides those that come with the program (docs/images.md). May be repeated.", HelpName = "FOLDER" };
        var foreground = new Option<bool>("--foreground") { Description = "Stay in the foreground until Ctrl-C or SIGTERM, for service supervisors." };
        var output = new Option<string?>("--output", "-o") { Description = "json: one object for programs on standard output (docs/cli-output.md).", HelpName = "FORMAT" };
        output.AcceptOnlyFromAmong("json");

        var command = new Command("up", "Start the local cluster in the background, for kubectl and for kubempi run.") { kubeconfig, nodes, resources, pretended, pids, domain, images, foreground, output };
        command.SetAction((parsed, cancellation) =>
        {
            var options = new UpOptions
            {
                Kubeconfig = parsed.GetValue(kubeconfig) is { } file ? Path.GetFullPath(file) : null,
                VirtualNodes = parsed.GetValue(nodes),
                VirtualNodeResources = parsed.GetRequiredValue(resources),
                Pretended = parsed.GetRequiredValue(pretended),
                PodPidsLimit = parsed.GetValue(pids),
                ClusterDomain = parsed.GetValue(domain),
                Images = [.. (parsed.GetValue(images) ?? []).Select(Path.GetFullPath)],
            };
            return parsed.GetValue(foreground) ? ClusterService.RunAsync(options, cancellation) : RunAsync(options, parsed.GetValue(output) == "json", cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(UpOptions options, bool json, CancellationToken cancellation)
    {
        var line = RunTerminal.Open(json).Line;
        var background = BackgroundCluster.OfThisUser();
        try
        {
            // 1. One is enough.
            if (await background.FindAsync(cancellation) is { } present)
            {
                Tell(background.Folder, present, started: false, json, line);
                if (UpReport.Difference(present, options) is { } difference) line.Say(difference);
                return ExitCode.Success;
            }

            // 2. A kubeconfig that cannot be written to is better known before anything runs.
            KubeconfigFile.Check(UpReport.KubeconfigOf(options), Probe);

            // 3. Start, and wait until it is ready.
            line.Show("starting the local cluster");
            var outcome = await background.StartAsync(options, waited => line.Show($"starting the local cluster  {waited.TotalSeconds:0.0} s"), cancellation);
            line.Show("");
            if (outcome is StartOutcome.Up up)
            {
                if (up.AfterCrash) line.Say($"kubempi: the local cluster before this one ended without a word; what it left was removed, its log is {background.Folder.CrashLog}");
                Tell(background.Folder, up.Record, started: true, json, line);
                return ExitCode.Success;
            }

            var failed = (StartOutcome.Failed)outcome;
            foreach (var word in failed.Words) line.Say(word);
            return failed.ExitCode;
        }
        catch (KubeconfigException fault)
        {
            line.Say(UpReport.KubeconfigFault(options, fault));
            return ExitCode.Usage;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            line.Show("");
            line.Say($"kubempi: {refused.Message}");
            return ExitCode.MachineUnfit;
        }
        catch (OperationCanceledException)
        {
            line.Show("");
            line.Say("kubempi: interrupted; nothing was left running");
            return ExitCode.Interrupted;
        }
    }

    private static void Tell(BackgroundFolder folder, BackgroundRecord record, bool started, bool json, StatusLine line)
    {
        if (json)
        {
            line.Output(UpReport.Json(folder, record, started).ToJsonString() + "\n");
            return;
        }

        line.Output($"The local cluster is {(started ? "up." : $"up already, since {record.ReadySince?.ToLocalTime():yyyy-MM-dd HH:mm:ss}.")}\n\n{UpReport.Text(folder, record)}\n");
    }
}
