using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The Secret with the keys of the job's transport, and its mount in container 0 of both roles (spec 2.2).</summary>
internal static class KeySecret
{
    private const string SshPrivateKey = "ssh-privatekey";
    private const string SshPublicKey = "ssh-publickey";
    private const string RootPath = "/root/.ssh";

    private static readonly ImmutableArray<string> SshKeys = [SshPrivateKey, SshPublicKey];

    public static void Ensure(Draft draft)
    {
        var scene = draft.Scene;
        if (scene.Profile.Secret(draft.Run.Transport.Kind) is not { } name) return;
        var kind = draft.Uses(Transport.Agent) ? KeyKind.Agent : KeyKind.Ssh;
        if (scene.Seen.Secret is not { } present)
        {
            var secret = ChildManifest.Of(scene.Profile, Kinds.Secret, name);
            secret["type"] = kind == KeyKind.Ssh ? "kubernetes.io/ssh-auth" : "Opaque";
            draft.Do(new PlanAction.CreateKeys(kind, secret));
        }
        else if (!present.Keys.AsSpan().SequenceEqual((kind == KeyKind.Ssh ? SshKeys : JobCertificates.Keys).AsSpan()))
        {
            draft.Do(new PlanAction.ReplaceKeys(kind, scene.Key(name), present.Meta.ResourceVersion));
        }
    }

    public static void MountSsh(JsonObject podSpec, Draft draft)
    {
        var secret = new JsonObject { ["secretName"] = draft.Scene.Profile.SshSecret };
        if (SshMode(podSpec, draft) is { } mode) secret["defaultMode"] = mode;
        secret["items"] = new JsonArray(Item(SshPrivateKey, "id_rsa"), Item(SshPublicKey, "id_rsa.pub"), Item(SshPublicKey, "authorized_keys"));
        Mount(podSpec, draft.Wiring.SshVolume, secret, draft.Run.SshAuthMountPath);
    }

    /// <summary>
    /// What one side proves itself with, and the other side's certificate: no pod sees the other side's key. Where pods are all alike they have
    /// both, a folder each.
    /// </summary>
    public static void MountAgent(JsonObject podSpec, Draft draft, Side side)
    {
        var items = side switch
        {
            Side.Launcher => Launcher(""),
            Side.Worker => Worker(""),
            _ => [.. Launcher($"{AgentContract.LauncherCredentials}/"), .. Worker($"{AgentContract.WorkerCredentials}/")],
        };
        Mount(podSpec, PlanningNames.CredentialsVolume, new JsonObject { ["secretName"] = draft.Scene.Profile.Agent, ["items"] = new JsonArray(items) }, AgentContract.CredentialsMountPath);

        static JsonNode[] Launcher(string folder) => Items(folder, JobCertificates.LauncherCertificateKey, JobCertificates.LauncherKeyKey, JobCertificates.WorkerCertificateKey);
        static JsonNode[] Worker(string folder) => Items(folder, JobCertificates.WorkerCertificateKey, JobCertificates.WorkerKeyKey, JobCertificates.LauncherCertificateKey);
        static JsonNode[] Items(string folder, string certificate, string key, string peer) =>
            [Item(certificate, folder + AgentContract.CertificateFile), Item(key, folder + AgentContract.KeyFile), Item(peer, folder + AgentContract.PeerFile)];
    }

    private static void Mount(JsonObject podSpec, string volume, JsonObject secret, string path)
    {
        podSpec.Array("volumes").Add((JsonNode)new JsonObject { ["name"] = volume, ["secret"] = secret });
        PodTemplate.ContainerZero(podSpec).Array("volumeMounts").Add((JsonNode)new JsonObject { ["name"] = volume, ["mountPath"] = path });
    }

    private static JsonNode Item(string key, string path) => new JsonObject { ["key"] = key, ["path"] = path };

    /// <summary>
    /// OpenSSH refuses a private key that others may read, but only when the file belongs to the process's user. Secret files
    /// belong to root: root needs 0600, anyone else could not read that and needs the default 0644
    /// (spec/cerit-sshd-image.md 4). Where the user is the image's, the path is the best guess there is.
    /// </summary>
    private static int? SshMode(JsonObject podSpec, Draft draft)
    {
        const int ownerOnly = 0x180; // 0600
        var byPath = draft.Run.SshAuthMountPath == RootPath;
        var isRoot = draft.Scene.Options.Strict ? byPath : PodTemplate.EffectiveUser(podSpec) is { } uid ? uid == 0 : byPath;
        return isRoot ? ownerOnly : null;
    }
}
