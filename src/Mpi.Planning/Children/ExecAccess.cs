using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// What lets the launcher run commands in its workers under transport exec, as kubeflow's v1 operators made it: an account of the job's own,
/// a Role for the names of its workers and for nothing else, and the binding of both. Under another transport the Role allows nothing, where a
/// dialect has it at all.
/// </summary>
internal static class ExecAccess
{
    public static void Ensure(Draft draft)
    {
        var (seen, profile) = (draft.Scene.Seen, draft.Scene.Profile);
        if (!IsUsed(draft)) return;
        EnsureRole(draft);
        if (seen.LauncherBinding is null) draft.Do(new PlanAction.Create(Kinds.RoleBinding, Binding(profile)));
        // The API admits no pod of an account that does not exist, and then the Job controller takes its time.
        if (seen.LauncherAccount is null) draft.Do(new PlanAction.Create(Kinds.ServiceAccount, ChildManifest.Of(profile, Kinds.ServiceAccount, profile.Access.Account)) { Alone = true });
    }

    public static bool IsUsed(Draft draft) => draft.Scene.Profile.UsesAccess(draft.Run.Transport.Kind);

    public static void MakeLauncher(JsonObject podSpec, Draft draft)
    {
        AgentVolume.AddTo(podSpec, draft);
        var container = PodTemplate.ContainerZero(podSpec);
        container.Array("volumeMounts").Add(AgentVolume.Mount(readOnly: true));
        // A pod of several containers must be told which is meant.
        var worker = draft.Run.MainContainer ?? draft.Run.Workers.Template.Items("spec", "containers").FirstOrDefault().Text("name") ?? "";
        PodTemplate.AddEnv(container, [new(AgentContract.ExecContainerVariable, worker, EnvOrigin.Identity)], strict: false);
        podSpec["serviceAccountName"] = draft.Scene.Profile.Access.Account;
        podSpec["automountServiceAccountToken"] = true;
    }

    private static void EnsureRole(Draft draft)
    {
        var (scene, rules) = (draft.Scene, Rules(draft));
        if (scene.Seen.LauncherRole is not { } present)
        {
            var role = ChildManifest.Of(scene.Profile, Kinds.Role, scene.Profile.Access.Role);
            role["rules"] = rules;
            draft.Do(new PlanAction.Create(Kinds.Role, role));
        }
        else if (present.Digest != DigestOf(rules))
        {
            draft.Do(new PlanAction.Patch(Kinds.Role, scene.Key(scene.Profile.Access.Role), ChildManifest.Patch(present.Meta, "rules", rules)));
        }
    }

    /// <summary>A WebSocket is opened by a GET, and since Kubernetes 1.35 needs "create" as well.</summary>
    private static JsonArray Rules(Draft draft)
    {
        // A rule without names would be about every pod of the namespace.
        if (draft.Run.Workers.Count == 0 || !draft.Uses(Transport.Exec)) return [];
        var names = new JsonArray();
        foreach (var index in draft.Members) names.Add((JsonNode)draft.Scene.Profile.Worker(index));
        return new JsonArray((JsonNode)new JsonObject
        {
            ["apiGroups"] = new JsonArray(""),
            ["resources"] = new JsonArray("pods/exec"),
            ["resourceNames"] = names,
            ["verbs"] = new JsonArray("get", "create"),
        });
    }

    private static string DigestOf(JsonArray rules) => RoleView.DigestOf(JsonElement.Parse(new JsonObject { ["rules"] = rules.DeepClone() }.ToUtf8()).Items("rules"));

    private static JsonObject Binding(RunProfile profile)
    {
        var binding = ChildManifest.Of(profile, Kinds.RoleBinding, profile.Access.Binding);
        binding["roleRef"] = new JsonObject { ["apiGroup"] = Kinds.Role.Group, ["kind"] = Kinds.Role.Kind, ["name"] = profile.Access.Role };
        binding["subjects"] = new JsonArray((JsonNode)new JsonObject { ["kind"] = Kinds.ServiceAccount.Kind, ["name"] = profile.Access.Account, ["namespace"] = profile.Job.Namespace });
        return binding;
    }
}
