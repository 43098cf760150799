using System.CommandLine;
using System.CommandLine.Parsing;
using Kube.Client;
using Kube.Types;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>Where an operator is or shall be: the options that <c>install</c> and <c>uninstall</c> share, and the way there.</summary>
internal sealed class InstallPlace
{
    private readonly Option<string> _overlay = new("--overlay") { Description = "standalone, kubeflow, or namespaced: for its own namespace alone (docs/install.md).", HelpName = "NAME", DefaultValueFactory = static _ => "standalone" };
    private readonly Option<string> _profile = new("--profile") { Description = "v2beta1, or legacy: kubeflow.org/v1, v1alpha2 and v1alpha1 too, through a conversion webhook.", HelpName = "NAME", DefaultValueFactory = static _ => "v2beta1" };
    private readonly Option<string[]> _dialects = new("--dialect") { Description = "Jobs of another system, too: kube-batch or metacontroller; once for each (docs/install.md).", HelpName = "NAME" };
    private readonly Option<string?> _namespace = new("--namespace", "-n") { Description = "Where the operator runs. Default: the overlay's, mpi-operator or kubeflow.", HelpName = "NAME" };
    private readonly ClusterChoice _cluster = new();

    public void AddTo(Command command)
    {
        _overlay.AcceptOnlyFromAmong([.. OperatorManifests.Overlays.Select(static o => o.Overlay)]);
        _profile.AcceptOnlyFromAmong("v2beta1", "legacy");
        _dialects.AcceptOnlyFromAmong([.. OperatorManifests.Dialects.Select(static d => d.Dialect)]);
        foreach (var option in (Option[])[_overlay, _profile, _dialects, _namespace]) command.Add(option);
        _cluster.AddTo(command);
        command.Validators.Add(result =>
        {
            var (overlay, profile) = (Word(result, _overlay), Word(result, _profile));
            if (overlay == "namespaced" && profile == "legacy") result.AddError("--profile legacy is for the whole cluster: the definition that it converts is one for all namespaces");
            if (overlay == "namespaced" && result.GetValue(_namespace) is null) result.AddError("--overlay namespaced needs --namespace: the one that the operator is for");
            if (result.GetValue(_namespace) is { } ns && Names.CheckDns1123Label(ns) is { IsEmpty: false } faults) result.AddError($"--namespace: \"{ns}\": {string.Join(", ", faults)}");
        });
    }

    /// <summary>As it was typed; its value cannot be had where it is none of those that there are.</summary>
    private static string? Word(CommandResult command, Option option) => command.GetResult(option)?.Tokens is [.., { Value: var word }] ? word : null;

    public InstallOptions Read(ParseResult parsed) => new()
    {
        Overlay = parsed.GetRequiredValue(_overlay),
        Legacy = parsed.GetRequiredValue(_profile) == "legacy",
        Dialects = [.. parsed.GetValue(_dialects) ?? []],
        Namespace = parsed.GetValue(_namespace),
    };

    /// <summary>Runs an action against the cluster; what the cluster or the kubeconfig is at fault for becomes one line and an exit code.</summary>
    public async Task<int> WithClusterAsync(ParseResult parsed, string verb, Func<ClusterInstaller, StatusLine, Task<int>> action)
    {
        var line = RunTerminal.Open(json: false).Line;
        try
        {
            var connection = _cluster.Load(parsed);
            if (connection.Context == KubeconfigText.Name)
            {
                line.Say($"kubempi {verb}: context {connection.Context} is the local cluster, which has its operator built in; name another with --context");
                return ExitCode.Usage;
            }

            using var client = connection.CreateClient(KubeClientOptions.Default, TimeProvider.System);
            return await action(new ClusterInstaller(client, TimeProvider.System, line.Say, line.Show), line);
        }
        catch (ConnectionException fault)
        {
            line.Say($"kubempi {verb}: {fault.Message}");
            return ExitCode.Usage;
        }
        catch (Exception refused) when (refused is ApiException or HttpRequestException)
        {
            line.Show("");
            line.Say($"kubempi {verb}: {refused.Message}");
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            line.Show("");
            line.Say($"kubempi {verb}: interrupted; what was done so far stays, and the same command goes on");
            return ExitCode.Interrupted;
        }
    }
}
