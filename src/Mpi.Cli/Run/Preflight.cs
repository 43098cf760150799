using Kube.Nodes.Images;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>What this machine lacks for a manifest, found before anything is created.</summary>
internal static class Preflight
{
    /// <summary>One line for each thing that stands in the way, with its remedy.</summary>
    public static IReadOnlyList<string> Faults(LinuxNode node, ManifestFile manifest)
    {
        var faults = new List<string>();
        var containers = manifest.PodTemplates()
            .SelectMany(static t => t.Items("spec", "containers").Concat(t.Items("spec", "initContainers")).Select(c => (Template: t, Container: c)))
            .ToList();
        try
        {
            faults.AddRange(node.Missing(containers.Select(static c => c.Container.Text("image")).OfType<string>()).Select(static m => m.ToString()));
        }
        catch (ImageException fault)
        {
            faults.Add(fault.Message);
        }

        // An sshd of UID 0 changes its user at every login; with a single UID to give, that login would fail much later and say little.
        if (SandboxSupport.ObstacleOfUid0(node.Mode) is { } obstacle && containers.Exists(c => RunsAsRoot(node, c.Template, c.Container)))
        {
            faults.Add(InWords(obstacle));
        }

        return faults;
    }

    /// <summary>Why this machine refuses to make pods at all.</summary>
    public static async Task ExplainAsync(SandboxException refusal, Action<string> say, TimeProvider time, CancellationToken cancellation)
    {
        var support = await SandboxSupport.ProbeAsync(time, cancellation);
        if (support.CanRun) say($"kubempi: {refusal.Message}");
        foreach (var obstacle in support.Obstacles) say($"kubempi: {InWords(obstacle)}");
    }

    private static bool RunsAsRoot(LinuxNode node, System.Text.Json.JsonElement template, System.Text.Json.JsonElement container) =>
        (container.Integer("securityContext", "runAsUser") ?? template.Integer("spec", "securityContext", "runAsUser") ?? node.DefaultUid(container.Text("image") ?? "")) == 0;

    private static string InWords(SandboxObstacle obstacle) => $"{obstacle.What}: {obstacle.Cause}. To mend it: {obstacle.Remedy}";
}
