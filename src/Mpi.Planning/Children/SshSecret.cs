using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The Secret with the job's key pair, and its mount in container 0 of both roles (spec 2.2).</summary>
internal static class SshSecret
{
    public const string PrivateKey = "ssh-privatekey";
    public const string PublicKey = "ssh-publickey";

    private const string RootPath = "/root/.ssh";

    public static void Ensure(Draft draft)
    {
        var scene = draft.Scene;
        if (scene.Seen.SshSecret is not { } present)
        {
            draft.Do(new PlanAction.CreateSshKeys(Manifest(scene.Profile)));
        }
        else if (!present.Keys.AsSpan().SequenceEqual([PrivateKey, PublicKey]))
        {
            draft.Do(new PlanAction.ReplaceSshKeys(scene.Key(scene.Profile.SshSecret), present.Meta.ResourceVersion));
        }
    }

    public static JsonObject Manifest(RunProfile profile)
    {
        var secret = ChildManifest.Of(profile, Kinds.Secret, profile.SshSecret);
        secret["type"] = "kubernetes.io/ssh-auth";
        return secret;
    }

    public static void Mount(JsonObject podSpec, Draft draft)
    {
        var secret = new JsonObject { ["secretName"] = draft.Scene.Profile.SshSecret };
        if (Mode(podSpec, draft) is { } mode) secret["defaultMode"] = mode;
        secret["items"] = new JsonArray(
            new JsonObject { ["key"] = PrivateKey, ["path"] = "id_rsa" },
            new JsonObject { ["key"] = PublicKey, ["path"] = "id_rsa.pub" },
            new JsonObject { ["key"] = PublicKey, ["path"] = "authorized_keys" });
        podSpec.Array("volumes").Add((JsonNode)new JsonObject { ["name"] = draft.Wiring.SshVolume, ["secret"] = secret });
        PodTemplate.ContainerZero(podSpec).Array("volumeMounts").Add((JsonNode)new JsonObject
        {
            ["name"] = draft.Wiring.SshVolume,
            ["mountPath"] = draft.Run.SshAuthMountPath,
        });
    }

    /// <summary>
    /// OpenSSH refuses a private key that others may read, but only when the file belongs to the process's user. Secret files
    /// belong to root: root needs 0600, anyone else could not read that and needs the default 0644
    /// (spec/cerit-sshd-image.md 4). Where the user is the image's, the path is the best guess there is.
    /// </summary>
    private static int? Mode(JsonObject podSpec, Draft draft)
    {
        const int ownerOnly = 0x180; // 0600
        var byPath = draft.Run.SshAuthMountPath == RootPath;
        var isRoot = draft.Scene.Options.Strict ? byPath : PodTemplate.EffectiveUser(podSpec) is { } uid ? uid == 0 : byPath;
        return isRoot ? ownerOnly : null;
    }
}
