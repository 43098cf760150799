using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;

namespace Mpi.Planning.Tests;

/// <summary>
/// One folder a sentence: <c>observed.yaml</c> (settings and time in a document of kind Observation, then the objects as the API
/// server has them) gives <c>plan.yaml</c>. <c>KUBEMPI_REFRESH_GOLDEN=1</c> rewrites the plans; review the difference.
/// </summary>
public sealed class GoldenTests
{
    private static readonly string Folder = typeof(GoldenTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "GoldenFolder").Value!;

    public static IEnumerable<TheoryDataRow<string>> Sentences() =>
        Directory.GetDirectories(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).Select(static s => new TheoryDataRow<string>(s!));

    [Theory]
    [MemberData(nameof(Sentences))]
    public void What_is_observed_gives_the_plan(string sentence)
    {
        var plan = PlanYaml.Write(Planner.Decide(Observe(File.ReadAllText(Path.Combine(Folder, sentence, "observed.yaml")))));
        var golden = Path.Combine(Folder, sentence, "plan.yaml");
        if (Environment.GetEnvironmentVariable("KUBEMPI_REFRESH_GOLDEN") == "1") File.WriteAllText(golden, plan);
        Assert.True(File.Exists(golden), $"{golden} is missing; make it with KUBEMPI_REFRESH_GOLDEN=1");
        Assert.Equal(File.ReadAllText(golden), plan);
    }

    private static ObservedRun Observe(string yaml)
    {
        var documents = Yaml.Read(yaml).Select(static d => d.Root).ToList();
        var settings = JsonElement.Parse(documents.Single(static d => d["kind"]?.ToString() == "Observation").ToUtf8());
        var objects = documents.Where(static d => d["kind"]?.ToString() != "Observation").Select(static d => KubeObject.From(d)).ToList();
        var job = objects.Single(static o => ManifestDialects.For(o.ApiVersion, o.Kind) is not null);
        var dialect = ManifestDialects.For(job.ApiVersion, job.Kind)!;
        var profile = dialect.Profile(job.Meta);
        var pods = objects.Where(static o => o.Kind == "Pod").ToList();
        return new ObservedRun
        {
            Job = job,
            Dialect = dialect,
            Parsed = dialect.Parse(job.Root),
            Service = View("Service", profile.Service, ServiceView.Read),
            ConfigMaps = profile.ConfigMaps.Select(name => View("ConfigMap", name, ConfigMapView.Read)).OfType<ConfigMapView>().ToImmutableDictionary(static m => m.Meta.Name, StringComparer.Ordinal),
            AgentService = View("Service", profile.Agent, ServiceView.Read),
            Secret = View("Secret", profile.SshSecret, SecretView.Read) ?? View("Secret", profile.Agent, SecretView.Read),
            WorkerSet = View("StatefulSet", profile.WorkerSet, StatefulSetView.Read),
            LauncherAccount = View("ServiceAccount", profile.Access.Account, ChildMeta.Read),
            LauncherRole = View("Role", profile.Access.Role, RoleView.Read),
            LauncherBinding = View("RoleBinding", profile.Access.Binding, ChildMeta.Read),
            Launcher = View("Job", profile.Launcher, LauncherView.Read),
            Workers = [.. pods.Where(p => profile.WorkerIndex(p.Meta.Name) is not null).Select(static p => PodView.Read(p.Root))],
            LauncherPods = [.. pods.Where(p => profile.WorkerIndex(p.Meta.Name) is null).Select(static p => PodView.Read(p.Root))],
            GangObjects = [.. GangBackend.AllKinds.SelectMany(k => objects.Where(o => o.Kind == k.Kind && o.ApiVersion == k.ApiVersion && o.Meta.Name == profile.GangGroup).Select(o => GangObjectView.Read(k, o.Root)))],
            GangKinds = [.. GangBackend.AllKinds.Where(k => settings.Words("serves").Contains(k.Group))],
            ConfirmedAbsent = Confirmed("confirmedAbsent"),
            ConfirmedPresent = Confirmed("confirmedPresent"),
            Options = new PlanningOptions
            {
                Strict = settings.Flag("strict") ?? false,
                ClusterDomain = settings.Text("clusterDomain") ?? "",
            },
            Now = settings.Time("now")!.Value,
        };

        ImmutableHashSet<ObjectToConfirm> Confirmed(string how) =>
            [.. settings.Items(how).Select(o => new ObjectToConfirm(o.Text("kind") == "Job" ? Kinds.Job : Kinds.Pod, new ObjectKey(job.Meta.Namespace, o.Text("name")!)))];

        T? View<T>(string kind, string name, Func<JsonElement, T> read) where T : class =>
            objects.FirstOrDefault(o => o.Kind == kind && o.Meta.Name == name) is { } found ? read(found.Root) : null;
    }
}
