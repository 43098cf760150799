using System.Text.Json.Nodes;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>What <c>up</c> says of the cluster, so that its user knows what there is and what to type next.</summary>
internal static class UpReport
{
    /// <summary>Identifies this build of the program.</summary>
    public static string Build { get; } = typeof(UpReport).Assembly.ManifestModule.ModuleVersionId.ToString("N");

    /// <summary>How people type this program: from a checkout by its script.</summary>
    private static string Program => Environment.GetEnvironmentVariable("KUBEMPI_HOME") is { Length: > 0 } ? "./kubempi" : "kubempi";

    public static string KubeconfigOf(UpOptions options) => options.Kubeconfig ?? KubeconfigFile.Default(Environment.GetEnvironmentVariable);

    public static string KubeconfigFault(UpOptions options, KubeconfigException fault) =>
        $"kubempi: {KubeconfigOf(options)}: {fault.Message.TrimEnd('.')}. It is as it was; kubempi up --kubeconfig FILE uses a file of its own.";

    public static string Text(BackgroundFolder folder, BackgroundRecord record)
    {
        var config = record.Kubeconfig!;
        var isDefault = config.File == KubeconfigFile.Default(Environment.GetEnvironmentVariable);
        var kubectl = isDefault && !config.IsCurrent ? $"kubectl --context {KubeconfigText.Name}" : "kubectl";
        var lines = new List<string>
        {
            $"  server      {record.Server?.GetLeftPart(UriPartial.Authority)}",
            $"  kubeconfig  {config.File}, context {KubeconfigText.Name}{(config.IsCurrent ? "" : " (your current context stays what it is)")}",
            $"  nodes       {LocalCluster.LocalCluster.NodeName}{(record.VirtualNodes switch { 0 => "", 1 => ", virtual-0 (pretends)", var n => $", virtual-0 to virtual-{n - 1} (pretend)" })}",
            $"  log         {folder.Log}",
            "",
            "Next:",
        };
        if (!isDefault) lines.Add($"  export KUBECONFIG={config.File}");
        lines.Add($"  {kubectl} get nodes");
        if (isDefault && !config.IsCurrent) lines.Add($"  kubectl config use-context {KubeconfigText.Name}    # then without --context");
        lines.Add($"  {Program} down    # ends it and leaves nothing");
        return string.Join('\n', lines);
    }

    /// <summary>For programs (<c>-o json</c>); documented in docs/cli-output.md.</summary>
    public static JsonObject Json(BackgroundFolder folder, BackgroundRecord record, bool started) => new()
    {
        ["server"] = record.Server?.GetLeftPart(UriPartial.Authority),
        ["kubeconfig"] = record.Kubeconfig!.File,
        ["context"] = KubeconfigText.Name,
        ["current"] = record.Kubeconfig.IsCurrent,
        ["virtualNodes"] = record.VirtualNodes,
        ["log"] = folder.Log,
        ["pid"] = record.Process.Pid,
        ["started"] = started,
    };

    /// <summary>How a cluster that is there differs from the one that was asked for; null when it does not.</summary>
    public static string? Difference(BackgroundRecord record, UpOptions options)
    {
        var asked = string.Join(' ', options.ToArguments());
        if (asked.Length > 0 && asked != record.Options)
        {
            return $"kubempi: it was started {(record.Options.Length == 0 ? "without options" : $"with {record.Options}")}; for others:  kubempi down && kubempi up {asked}";
        }

        return record.Build == Build ? null : "kubempi: it runs another build of this program; to change:  kubempi down && kubempi up";
    }
}
