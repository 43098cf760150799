using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// What both roles' pods have under transport agent (design section 4): the program, their side's credentials, and in the
/// environment who they are and where to meet.
/// </summary>
internal static class AgentPods
{
    /// <summary>Below the ports that kernels give to clients and Kubernetes to node ports, above those of well-known services.</summary>
    private const int FirstHostPort = 20_000, HostPorts = 10_000;

    public static void MakeLauncher(JsonObject podSpec, Draft draft)
    {
        Make(podSpec, draft, Side.Launcher, [new(AgentContract.NameVariable, draft.Scene.Profile.LauncherHost, EnvOrigin.Identity)]);
    }

    /// <param name="name">Null in a template that many pods share: there each pod's own is asked for.</param>
    public static void MakeWorker(JsonObject podSpec, Draft draft, string? name)
    {
        Make(podSpec, draft, Side.Worker, [new(AgentContract.NameVariable, name ?? "", EnvOrigin.Identity) { FieldPath = name is null ? "metadata.name" : null }, .. ToLauncher(draft)]);
    }

    /// <summary>Where a worker meets its launcher.</summary>
    private static EnvRule[] ToLauncher(Draft draft)
    {
        var profile = draft.Scene.Profile;
        var name = new EnvRule(AgentContract.LauncherVariable, profile.DnsName(profile.LauncherHost, draft.Scene.Options.ClusterDomain), EnvOrigin.Identity);
        return draft.Scene.Seen.AgentService is { ClusterIp: { Length: > 0 } address } ? [name, new(AgentContract.ServiceVariable, address, EnvOrigin.Identity)] : [name];
    }

    /// <summary>A pod that is a launcher or a worker by its place in their Job: each finds out its own, and has the credentials of both.</summary>
    public static void MakeMember(JsonObject podSpec, Draft draft)
    {
        const string index = "KUBEMPI_AGENT_INDEX";
        var profile = draft.Scene.Profile;
        Make(podSpec, draft, Side.Both,
        [
            // A variable may refer to those before it.
            new(index, "", EnvOrigin.Identity) { FieldPath = $"metadata.annotations['{PlanningNames.CompletionIndex}']" },
            new(AgentContract.NameVariable, $"{profile.WorkerPrefix}$({index})", EnvOrigin.Identity),
            new(AgentContract.HostfileVariable, draft.Wiring.Hostfile, EnvOrigin.Identity),
            .. ToLauncher(draft),
        ]);
    }

    /// <summary>One number for all jobs, but where launchers share a node's ports: there each job has its own, from its uid.</summary>
    public static int Port(Draft draft) => draft.Run.Launcher.Template.Flag("spec", "hostNetwork") == true
        ? FirstHostPort + (int)(BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(draft.Scene.Uid)), 0) % HostPorts)
        : AgentContract.DefaultPort;

    private static void Make(JsonObject podSpec, Draft draft, Side side, EnvRule[] whereabouts)
    {
        AgentVolume.AddTo(podSpec, draft);
        KeySecret.MountAgent(podSpec, draft, side);
        var container = PodTemplate.ContainerZero(podSpec);
        // Writable: in the launcher the calls of mpirun meet here, and a read-only image has no other place for temporary files.
        container.Array("volumeMounts").Add(AgentVolume.Mount(readOnly: false));
        PodTemplate.AddEnv(
            container,
            [
                new(AgentContract.CredentialsVariable, AgentContract.CredentialsMountPath, EnvOrigin.Identity),
                new(AgentContract.PortVariable, Port(draft).ToString(CultureInfo.InvariantCulture), EnvOrigin.Identity),
                .. whereabouts,
                .. TemporaryFolder(container),
            ],
            strict: false);
    }

    /// <summary>MPI's daemons keep their sessions in <c>/tmp</c>, which an image with a read-only root and no volume there does not have.</summary>
    private static EnvRule[] TemporaryFolder(JsonObject container)
    {
        var isReadOnly = container["securityContext"] is JsonObject context && context["readOnlyRootFilesystem"] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;
        var hasVolume = container.Array("volumeMounts").Any(static m => m?["mountPath"]?.ToString().TrimEnd('/') == "/tmp");
        return isReadOnly && !hasVolume ? [new EnvRule("TMPDIR", AgentContract.TemporaryFolder)] : [];
    }
}

/// <summary>The ends of a job's connections.</summary>
internal enum Side { Launcher, Worker, Both }
