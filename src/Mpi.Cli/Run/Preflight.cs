using Kube.Nodes.Images;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>What this machine lacks for a manifest, found before anything is created.</summary>
internal static class Preflight
{
    /// <summary>One line for each thing that stands in the way, with its remedy.</summary>
    public static IReadOnlyList<string> Faults(ManifestFile manifest)
    {
        var images = new ImageCatalog(ImagePath.For(manifest.Folder));
        var faults = new List<string>();
        var containers = manifest.PodTemplates()
            .SelectMany(static t => t.Items("spec", "containers").Concat(t.Items("spec", "initContainers")).Select(c => (Template: t, Container: c)))
            .ToList();
        try
        {
            faults.AddRange(containers.Select(static c => c.Container.Text("image")).OfType<string>().Distinct().SelectMany(i => images.Resolve(i).Missing()).Select(static m => m.ToString()));
        }
        catch (ImageException fault)
        {
            faults.Add(fault.Message);
            return faults;
        }

        // An sshd of UID 0 changes its user at every login; with a single UID to give, that login would fail much later and say little.
        if (SandboxSupport.ObstacleOfUid0(SandboxSupport.BestMode) is { } obstacle && containers.Exists(c => RunsAsRoot(images, c.Template, c.Container)))
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

    private static bool RunsAsRoot(ImageCatalog images, System.Text.Json.JsonElement template, System.Text.Json.JsonElement container) =>
        (container.Integer("securityContext", "runAsUser") ?? template.Integer("spec", "securityContext", "runAsUser") ?? images.Resolve(container.Text("image") ?? "").DefaultUid) == 0;

    private static string InWords(SandboxObstacle obstacle) => $"{obstacle.What}: {obstacle.Cause}. To mend it: {obstacle.Remedy}";
}
