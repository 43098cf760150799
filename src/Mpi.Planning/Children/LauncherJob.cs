using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>The launcher's batch/v1 Job (spec 2.6).</summary>
internal static class LauncherJob
{
    /// <summary>What Kubernetes lets one change in the template of a suspended Job that has not started (KEP-2926).</summary>
    private static readonly ImmutableArray<string> SchedulingDirectives = ["nodeSelector", "tolerations", "schedulingGates"];

    public static JsonObject Manifest(Draft draft, bool suspend)
    {
        var (profile, options) = (draft.Scene.Profile, draft.Scene.Options);
        var template = Template(draft);
        var job = ChildManifest.Of(profile, Kinds.Job, profile.Launcher);
        job.Object("metadata")["labels"] = draft.Run.Launcher.JobLabels.SetItems(profile.LauncherJobLabels).ToTree();
        if (!options.Strict)
        {
            job.Object("metadata")["annotations"] = new JsonObject
            {
                [PlanningNames.Attempt] = draft.Attempt.Number.ToString(CultureInfo.InvariantCulture),
                [PlanningNames.TemplateDigest] = DigestOf(template),
            };
            if (OneJob.Is(draft)) job["metadata"]!["annotations"]![PlanningNames.SpecDigest] = SpecDigest(draft.Run);
        }

        var spec = new JsonObject();
        // A Job that deleted itself before its result is recorded would be run again. So it gets its lifetime afterwards.
        if (options.Strict && draft.Run.TtlSecondsAfterFinished is { } ttl) spec["ttlSecondsAfterFinished"] = ttl;
        if (Budget.DeadlineLeft(draft) is { } deadline) spec["activeDeadlineSeconds"] = deadline;
        if (OneJob.Is(draft)) OneJob.Shape(spec, draft.Run);
        else if (Budget.RetriesLeft(draft) is { } retries) spec["backoffLimit"] = retries;
        spec["template"] = template;
        // No second launcher while the first is still terminating (kubernetes/kubernetes issue 115844).
        spec["podReplacementPolicy"] = "Failed";
        if (suspend) spec["suspend"] = true;
        job["spec"] = spec;
        return job;
    }

    /// <summary>
    /// What brings a suspended Job to the present template and starts it: labels, annotations and directives are replaced. What a quota
    /// manager had injected for the place before and has taken back must not follow the pod to the next one.
    /// </summary>
    public static JsonObject ResumePatch(Draft draft, LauncherView launcher)
    {
        var template = Template(draft);
        var metadata = new JsonObject
        {
            ["labels"] = Replacing(template["metadata"]?["labels"], launcher.LabelKeys.Where(static k => !IsServers(k))),
            ["annotations"] = Replacing(template["metadata"]?["annotations"], launcher.AnnotationKeys),
        };
        var spec = (JsonObject)template["spec"]!;
        var directives = new JsonObject();
        foreach (var directive in SchedulingDirectives) directives[directive] = spec[directive]?.DeepClone();
        if (directives["nodeSelector"] is { } selector) directives["nodeSelector"] = Replacing(selector, launcher.NodeSelectorKeys);

        return ChildManifest.Patch(launcher.Meta, "spec", new JsonObject
        {
            ["suspend"] = false,
            ["template"] = new JsonObject { ["metadata"] = metadata, ["spec"] = directives },
        });
    }

    /// <summary>Whether a suspended Job differs from what would be made now in more than can be changed in place.</summary>
    public static bool MustBeRemade(Draft draft, LauncherView launcher) =>
        (launcher.TemplateDigest is { } digest && digest != DigestOf(Template(draft))) || (launcher.SpecDigest is { } spec && spec != SpecDigest(draft.Run));

    /// <summary>Of what the user asked of pods that are all of one Job: their number and their template.</summary>
    public static string SpecDigest(MpiRun run) => ChildManifest.DigestOf(new JsonObject { ["pods"] = run.Workers.Count + 1, ["template"] = run.Launcher.Template.ToTree() });

    public static JsonObject Template(Draft draft)
    {
        var (profile, options, run) = (draft.Scene.Profile, draft.Scene.Options, draft.Run);
        var labels = profile.LauncherLabels;
        if (run.Launcher.RunsRanks && profile.IndexLabel is { } index) labels = labels.SetItem(index, "0");
        var spec = PodTemplate.Spec(run.Launcher.Template);
        var usersInit = draft.Wiring.UsersInitContainersLast ? TakeOut(spec, "initContainers") : null;
        var metadata = PodTemplate.Metadata(run.Launcher.Template, draft, labels);
        if (!OneJob.Is(draft)) metadata["ownerReferences"] = ChildManifest.OwnerReferences(profile);
        GangGroup.Mark(draft, metadata, spec, later: GangSize.LauncherComesLater(run));
        PodTemplate.Name(spec, OneJob.Is(draft) ? null : profile.LauncherHost, profile);
        if (profile.BareHosts) PodTemplate.SearchService(spec, draft);
        var container = PodTemplate.ContainerZero(spec);
        PodTemplate.Wrap(container, draft.Wiring.LauncherWrapper);
        PodTemplate.AddEnv(container, draft.Wiring.LauncherEnv, options.Strict);
        PodTemplate.KeepLastWords(container, options.Strict);
        switch (run.Transport.Kind)
        {
            case Transport.Agent when OneJob.Is(draft):
                AgentPods.MakeMember(spec, draft);
                break;
            case Transport.Agent:
                AgentPods.MakeLauncher(spec, draft);
                break;
            case Transport.Exec:
                ExecAccess.MakeLauncher(spec, draft);
                break;
            default:
                KeySecret.MountSsh(spec, draft);
                break;
        }

        if (profile.Access.Always && run.Transport.Kind != Transport.Exec) spec["serviceAccountName"] ??= profile.Access.Account;
        spec["restartPolicy"] = OneJob.Is(draft) ? "Never" : options.LauncherRestartPolicy ?? run.Launcher.RestartPolicy;
        foreach (var mount in draft.Wiring.LauncherMounts) HostList.Mount(spec, draft, mount);
        if (Gate.Applies(draft))
        {
            if (draft.Uses(Transport.Ssh)) AgentVolume.AddTo(spec, draft);
            Gate.AddTo(spec, draft);
        }

        if (draft.Wiring.LauncherCheck is { } check) spec.Array("initContainers").Add((JsonNode)AddedContainer.InLaunchersImage(spec, check.Container, check.Command.ToTree()));
        foreach (var users in usersInit ?? []) spec.Array("initContainers").Add(users?.DeepClone());
        return new JsonObject { ["metadata"] = metadata, ["spec"] = spec };
    }

    /// <summary>The merge patch from a map of these keys to the one that is wanted.</summary>
    private static JsonObject Replacing(JsonNode? wanted, IEnumerable<string> present)
    {
        var patch = wanted?.DeepClone() as JsonObject ?? [];
        foreach (var key in present.Where(k => !patch.ContainsKey(k))) patch[key] = null;
        return patch;
    }

    /// <summary>The labels by which the API server ties pods to their Job.</summary>
    private static bool IsServers(string label) => label is "controller-uid" or "job-name" || label.StartsWith("batch.kubernetes.io/", StringComparison.Ordinal);

    private static JsonArray? TakeOut(JsonObject podSpec, string member)
    {
        var taken = podSpec[member] as JsonArray;
        podSpec.Remove(member);
        return taken;
    }

    private static string DigestOf(JsonObject template)
    {
        var fixedPart = (JsonObject)template["spec"]!.DeepClone();
        foreach (var directive in SchedulingDirectives) fixedPart.Remove(directive);
        return ChildManifest.DigestOf(fixedPart);
    }
}
