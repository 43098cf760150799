using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// The gate (design section 4): an init container that lets the launcher's command start only after every worker was proven
/// reachable. It runs the agent in the launcher's own image, with its user, mounts and environment: so the proof is exactly
/// what mpirun will do.
/// </summary>
public static class Gate
{
    public static bool Applies(MpiRun run, PlanningOptions options) =>
        options is { Strict: false, Gate.Enabled: true } && run is { Gated: true, Workers.Count: > 0 } && SkipReason(run) is null;

    internal static bool Applies(Draft draft) => Applies(draft.Run, draft.Scene.Options);

    /// <summary>Why a job that asks for a gate cannot have one; null when it can. Worth an event.</summary>
    internal static string? SkipReason(MpiRun run)
    {
        if (Mesh(run.Launcher.Template) is { } mesh) return $"{mesh} cuts init containers off from the network";
        if (run.Transport.Kind != Transport.Ssh) return null;
        return PlainlyNoSshd(run.Workers.Template.Items("spec", "containers").FirstOrDefault()) is { } command
            ? $"workers run {command} and no sshd that could be asked"
            : null;
    }

    /// <summary>Behind the container that delivers the agent (<see cref="AgentVolume"/>).</summary>
    internal static void AddTo(JsonObject podSpec, Draft draft) => podSpec.Array("initContainers").Add((JsonNode)Wait(podSpec, draft));

    private static JsonObject Wait(JsonObject podSpec, Draft draft)
    {
        var overSsh = draft.Uses(Transport.Ssh);
        var command = new JsonArray(
            $"{AgentContract.MountPath}/{AgentContract.FileName}", AgentContract.GateRole,
            "--transport", Name(draft.Run.Transport.Kind),
            "--hostfile", draft.Wiring.Hostfile,
            "--notice", draft.Wiring.LauncherPath(draft.Wiring.NoticeFile),
            "--timeout", Duration(draft.Scene.Options.Gate.Timeout));
        if (overSsh && SshArguments.Of(draft.Run.Launcher.Template.Items("spec", "containers").FirstOrDefault()) is { } sshArguments)
        {
            command.Add((JsonNode)"--ssh-args");
            command.Add((JsonNode)sshArguments);
        }

        if (draft.Run.Launcher.RunsRanks)
        {
            // It is in the hostfile, and it cannot answer before it is through here.
            command.Add((JsonNode)"--skip");
            command.Add((JsonNode)draft.Scene.Profile.Host(draft.Scene.Profile.LauncherHost, draft.Scene.Options.ClusterDomain));
        }

        var container = AddedContainer.InLaunchersImage(podSpec, PlanningNames.GateContainer, command);
        // Over the others the launcher's own container has it too.
        if (overSsh) container.Array("volumeMounts").Add(AgentVolume.Mount(readOnly: true));
        return container;
    }

    private static string Name(Transport transport) => transport switch
    {
        Transport.Agent => "agent",
        Transport.Exec => "exec",
        _ => "ssh",
    };

    private static string? Mesh(JsonElement template)
    {
        foreach (var (key, value, mesh) in (ReadOnlySpan<(string, string, string)>)
            [("sidecar.istio.io/inject", "true", "Istio"), ("linkerd.io/inject", "enabled", "Linkerd"), ("kuma.io/sidecar-injection", "enabled", "Kuma")])
        {
            if (template.Text("metadata", "labels", key) == value || template.Text("metadata", "annotations", key) == value) return mesh;
        }

        return null;
    }

    /// <summary>
    /// The command of a worker that certainly starts no sshd: a program that only waits, or a script in place whose text has no
    /// word of ssh and calls no other script. Anything that might start one is asked, and the timeout helps where it does not.
    /// </summary>
    private static string? PlainlyNoSshd(JsonElement container)
    {
        var words = container.Items("command").Concat(container.Items("args")).Select(static w => w.ValueKind == JsonValueKind.String ? w.GetString()! : "").ToList();
        if (words.Count == 0 || container.Items("command").FirstOrDefault().ValueKind != JsonValueKind.String) return null;
        var program = words[0][(words[0].LastIndexOf('/') + 1)..];
        switch (program)
        {
            case "sleep" or "tail" or "cat" or "true" or "pause":
                return program;
            case "sh" or "bash" or "dash" or "ash":
                var script = string.Join(' ', words.Skip(1));
                var mayStartIt = script.Contains("ssh", StringComparison.Ordinal) || script.Contains(".sh", StringComparison.Ordinal) || script.Contains("entrypoint", StringComparison.Ordinal);
                return !mayStartIt && (script.Contains("sleep", StringComparison.Ordinal) || script.Contains("tail", StringComparison.Ordinal)) ? $"\"{script}\"" : null;
            default:
                return null;
        }
    }

    /// <summary>As Go writes durations: <c>10m</c>, <c>90s</c>.</summary>
    private static string Duration(TimeSpan span)
    {
        var seconds = (long)Math.Max(1, span.TotalSeconds);
        return seconds % 60 == 0 ? string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}m") : string.Create(CultureInfo.InvariantCulture, $"{seconds}s");
    }
}
