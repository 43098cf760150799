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
        Make(podSpec, draft, launcher: true, [new(AgentContract.NameVariable, draft.Scene.Profile.Launcher, EnvOrigin.Identity)]);
    }

    /// <param name="name">Null in a template that many pods share: there each pod's own is asked for.</param>
    public static void MakeWorker(JsonObject podSpec, Draft draft, string? name)
    {
        var profile = draft.Scene.Profile;
        EnvRule[] whereabouts =
        [
            new(AgentContract.NameVariable, name ?? "", EnvOrigin.Identity) { FieldPath = name is null ? "metadata.name" : null },
            new(AgentContract.LauncherVariable, profile.DnsName(profile.Launcher, draft.Scene.Options.ClusterDomain), EnvOrigin.Identity),
        ];
        if (draft.Scene.Seen.AgentService is { ClusterIp: { Length: > 0 } address }) whereabouts = [.. whereabouts, new(AgentContract.ServiceVariable, address, EnvOrigin.Identity)];
        Make(podSpec, draft, launcher: false, whereabouts);
    }

    /// <summary>One number for all jobs, but where launchers share a node's ports: there each job has its own, from its uid.</summary>
    public static int Port(Draft draft) => draft.Run.Launcher.Template.Flag("spec", "hostNetwork") == true
        ? FirstHostPort + (int)(BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(draft.Scene.Uid)), 0) % HostPorts)
        : AgentContract.DefaultPort;

    private static void Make(JsonObject podSpec, Draft draft, bool launcher, EnvRule[] whereabouts)
    {
        AgentVolume.AddTo(podSpec, draft);
        KeySecret.MountAgent(podSpec, draft, launcher);
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
