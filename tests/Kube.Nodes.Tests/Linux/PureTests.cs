using System.Collections.Immutable;
using System.Text;
using Kube.Nodes.Images;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Kube.Nodes.Tests;

public sealed class VariableExpansionTests
{
    [Theory]
    [InlineData("$(A)", "1")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$$$(A)", "$1")]
    [InlineData("$(NONE)", "$(NONE)")]
    [InlineData("$A $ $(", "$A $ $(")]
    [InlineData("a$(A)b$(B)", "a1b2")]
    public void References_are_replaced_and_everything_else_stays(string text, string expected) =>
        Assert.Equal(expected, VariableExpansion.Expand(text, new Dictionary<string, string> { ["A"] = "1", ["B"] = "2" }));
}

public sealed class ShellWordTests
{
    [Theory]
    [InlineData("plain-word_1.2/x", "plain-word_1.2/x")]
    [InlineData("", "''")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("a b;$c\n", "'a b;$c\n'")]
    public void A_word_reaches_the_program_as_it_is(string value, string word) => Assert.Equal(word, ShellWord.Quote(value));
}

public sealed class ImageReferenceTests
{
    [Theory]
    [InlineData("mpioperator/mpi-pi:openmpi", "", "mpioperator/mpi-pi", "openmpi")]
    [InlineData("registry.example:5000/a/b", "registry.example:5000", "a/b", "latest")]
    [InlineData("localhost/x@sha256:0123", "localhost", "x", "latest")]
    [InlineData("busybox", "", "busybox", "latest")]
    public void A_name_is_taken_apart(string image, string host, string repository, string tag) =>
        Assert.Equal(new ImageReference(host, repository, tag), ImageReference.Parse(image));
}

public sealed class ImageStandInTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kube-nodes-images");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_tag_has_its_own_stand_in_and_bases_come_first()
    {
        Write("a/base", "users: [{name: u, uid: 1000}]\nenv: {X: base, Z: base}\nentrypoint: [/start]\ncmd: [one]\nworkingDir: /w");
        Write("a/b", "base: a/base\nenv: {X: mine}\ncmd: [two]");
        Write("a/b@v2", "base: a/b\nentrypoint: [/other]\nuser: u");
        var plain = Catalog.Resolve("a/b:v1");
        Assert.Equal(["/start"], plain.Entrypoint);
        Assert.Equal(["two"], plain.Command);
        Assert.Equal("/w", plain.WorkingDirectory);
        Assert.Equal(["X=mine", "Z=base"], plain.Environment.Select(static e => $"{e.Key}={e.Value}").Order());
        var tagged = Catalog.Resolve("example.com/a/b:v2");
        Assert.Equal(["/other"], tagged.Entrypoint);
        Assert.Empty(tagged.Command);
        Assert.Equal("u", tagged.User);
        Assert.False(Catalog.Resolve("a/none").HasStandIn);
    }

    [Fact]
    public void Every_fault_is_told_with_its_place()
    {
        Write("bad", "colour: red\nusers: [{name: x}]\nfiles: [{path: rel, mode: 0644}]\nbuild: {inputs: [a]}");
        var message = Assert.Throws<ImageException>(() => Catalog.Resolve("bad")).Message;
        Assert.Contains("line 1, column 1: colour is no field of image.yaml", message, StringComparison.Ordinal);
        Assert.Contains("users[0].uid is missing", message, StringComparison.Ordinal);
        Assert.Contains("files[0].path must be an absolute path", message, StringComparison.Ordinal);
        Assert.Contains("files[0].mode must stand in quotes", message, StringComparison.Ordinal);
        Assert.Contains("build.command is missing", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bases_that_lead_in_a_circle_are_refused()
    {
        Write("c1", "base: c2");
        Write("c2", "base: c1");
        Assert.Contains("circle", Assert.Throws<ImageException>(() => Catalog.Resolve("c1")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_build_runs_once_and_again_only_when_an_input_has_changed()
    {
        Write("built", "build: {command: [sh, -c, 'mkdir -p $OUT/x; cat in >$OUT/x/out; echo run >>\"$COUNT\"'], inputs: [in]}");
        var count = Path.Join(_folder.FullName, "count");
        var script = await File.ReadAllTextAsync(Path.Join(_folder.FullName, "built", "image.yaml"), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Join(_folder.FullName, "built", "image.yaml"), script.Replace("\"$COUNT\"", count, StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var input = Path.Join(_folder.FullName, "built", "in");
        await File.WriteAllTextAsync(input, "1", TestContext.Current.CancellationToken);
        using var builds = new ImageBuilds(Path.Join(_folder.FullName, "cache"), TimeProvider.System);
        using var others = new ImageBuilds(Path.Join(_folder.FullName, "cache"), TimeProvider.System);
        var standIn = ImageStandIn.Read(Path.Join(_folder.FullName, "built"));
        var outputs = await Task.WhenAll(builds.OutputAsync(standIn, TestContext.Current.CancellationToken), others.OutputAsync(standIn, TestContext.Current.CancellationToken));
        Assert.Equal(outputs[0], outputs[1]);
        Assert.Equal("1", await File.ReadAllTextAsync(Path.Join(outputs[0], "x", "out"), TestContext.Current.CancellationToken));
        Assert.Equal(outputs[0], await builds.OutputAsync(standIn, TestContext.Current.CancellationToken));
        await File.WriteAllTextAsync(input, "2", TestContext.Current.CancellationToken);
        Assert.NotEqual(outputs[0], await builds.OutputAsync(standIn, TestContext.Current.CancellationToken));
        Assert.InRange((await File.ReadAllLinesAsync(count, TestContext.Current.CancellationToken)).Length, 2, 3);
        Assert.Empty(Directory.GetDirectories(Path.Join(_folder.FullName, "cache"), ".build-*"));
    }

    [Fact]
    public async Task A_failing_build_says_what_it_said()
    {
        Write("fails", "build: {command: [sh, -c, 'echo no such compiler; exit 3']}");
        using var builds = new ImageBuilds(Path.Join(_folder.FullName, "cache"), TimeProvider.System);
        var failure = await Assert.ThrowsAsync<ImageException>(() => builds.OutputAsync(ImageStandIn.Read(Path.Join(_folder.FullName, "fails")), TestContext.Current.CancellationToken));
        Assert.Contains("exit code 3", failure.Message, StringComparison.Ordinal);
        Assert.Contains("no such compiler", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Accounts_are_the_machines_system_accounts_and_the_images_users()
    {
        Write("acc", "users: [{name: u, uid: 1000, groups: [video]}]\ngroups: [{name: video, gid: 44}]");
        var accounts = new ImageAccounts("root:x:0:0:root:/root:/bin/bash\nbin:x:2:2::/bin:/x\nme:x:1000:1000::/home/me:/bin/zsh\n", "root:x:0:\nvideo:x:39:me\nme:x:1000:\n", Catalog.Resolve("acc"));
        Assert.DoesNotContain("me:", accounts.Passwd, StringComparison.Ordinal);
        Assert.Contains("u:x:1000:1000::/home/u:/bin/sh\n", accounts.Passwd, StringComparison.Ordinal);
        Assert.Equal([44u], accounts.GroupsOf(1000));
        Assert.Equal((1000u, 1000u), accounts.Resolve("u"));
        Assert.Equal((1000u, 44u), accounts.Resolve("u:video"));
        Assert.Equal((7u, 8u), accounts.Resolve("7:8"));
        Assert.Null(accounts.Resolve("nobody-knows"));
    }

    [Fact]
    public void The_shipped_stand_ins_are_well_formed()
    {
        var images = NodeFixture.Images;
        foreach (var file in Directory.EnumerateFiles(images, "image.yaml", SearchOption.AllDirectories)) ImageStandIn.Read(Path.GetDirectoryName(file)!);
    }

    private ImageCatalog Catalog => new([_folder.FullName]);

    private void Write(string name, string yaml)
    {
        Directory.CreateDirectory(Path.Join(_folder.FullName, name));
        File.WriteAllText(Path.Join(_folder.FullName, name, "image.yaml"), yaml);
    }
}

public sealed class SubordinateIdsTests
{
    [Theory]
    [InlineData("me:100000:65536", 100000u)]
    [InlineData("1234:5:65535\n", 5u)]
    [InlineData("me:100000:1000", null)]
    [InlineData("you:100000:65536", null)]
    public void A_range_counts_when_it_is_the_users_and_long_enough(string table, uint? first) => Assert.Equal(first, SubordinateIds.Find(table, "me", 1234));
}

public sealed class SandboxSupportTests
{
    private static readonly SandboxSupport.Facts Clear = new("15000", null, null, InContainer: false);

    [Fact]
    public void Each_refusal_has_its_cause_and_a_remedy_that_can_be_typed()
    {
        Assert.Contains("user.max_user_namespaces=15000", Remedy(SandboxMode.SingleId, "unshare: No space left on device", Clear with { MaxUserNamespaces = "0" }), StringComparison.Ordinal);
        Assert.Contains("unprivileged_userns_clone=1", Remedy(SandboxMode.SingleId, "Operation not permitted", Clear with { UnprivilegedClone = "0" }), StringComparison.Ordinal);
        Assert.Contains("apparmor_restrict_unprivileged_userns=0", Remedy(SandboxMode.SubordinateIds, "Permission denied", Clear with { AppArmorRestricts = "1" }), StringComparison.Ordinal);
        Assert.Contains("--privileged", Remedy(SandboxMode.Root, "unshare failed: Operation not permitted", Clear with { InContainer = true }), StringComparison.Ordinal);
        Assert.Contains("modprobe", Remedy(SandboxMode.Root, "Error: Unknown device type.", Clear), StringComparison.Ordinal);
        Assert.Contains("uidmap", Remedy(SandboxMode.SubordinateIds, "newuidmap: write to uid_map failed", Clear), StringComparison.Ordinal);
    }

    [Fact]
    public void AppArmors_rule_is_not_blamed_for_what_happens_to_root() =>
        Assert.DoesNotContain("apparmor", Remedy(SandboxMode.Root, "mount: permission denied", Clear with { AppArmorRestricts = "1" }), StringComparison.Ordinal);

    [Fact]
    [Trait("Category", "sandbox")]
    public async Task This_machine_runs_pods()
    {
        var support = await SandboxSupport.ProbeAsync(TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.True(support.CanRun, string.Join("\n", support.Obstacles));
        Assert.Equal(support.Mode == SandboxMode.SingleId, support.WithoutUid0 is not null);
    }

    private static string Remedy(SandboxMode mode, string said, SandboxSupport.Facts facts) => SandboxSupport.Explain(mode, said, facts).Remedy;
}

public sealed class PodNamesTests
{
    [Fact]
    public void The_own_name_stands_first_and_short_names_are_what_the_search_list_reaches()
    {
        var self = new PodNames.Pod("n", "launcher", "launcher", "", "10.0.0.2", ["job.n.svc.cluster.local"], []);
        var same = new PodNames.Pod("n", "w0", "job-worker-0", "job", "10.0.0.3", [], []);
        var other = new PodNames.Pod("m", "x", "x", "s", "10.0.0.4", [], []);
        var hosts = PodNames.Hosts(self, [self, same, other], [new PodNames.Service("n", "web", ["10.96.0.1"])], "cluster.local").Split('\n');
        Assert.Equal("10.0.0.2\tlauncher", hosts[3]);
        Assert.Contains("10.0.0.3\tjob-worker-0.job.n.svc.cluster.local job-worker-0 job-worker-0.job job-worker-0.job.n job-worker-0.job.n.svc", hosts);
        Assert.Contains("10.0.0.4\tx.s.m.svc.cluster.local x.s.m x.s.m.svc", hosts);
        Assert.Contains("10.96.0.1\tweb.n.svc.cluster.local web web.n web.n.svc", hosts);
    }

    [Fact]
    public void A_pod_with_a_subdomain_has_its_full_name_as_the_canonical_one()
    {
        var self = new PodNames.Pod("n", "w0", "w0", "job", "10.0.0.3", [], []);
        Assert.Contains("10.0.0.3\tw0.job.n.svc.cluster.local w0 w0.job w0.job.n w0.job.n.svc", PodNames.Hosts(self, [self], [], "cluster.local").Split('\n'));
    }

    [Fact]
    public void Names_end_with_the_domain_that_the_cluster_was_given()
    {
        var self = new PodNames.Pod("n", "w0", "w0", "job", "10.0.0.3", ["job.n.svc.corp.example"], []);
        Assert.Contains("10.0.0.3\tw0.job.n.svc.corp.example w0 w0.job w0.job.n w0.job.n.svc", PodNames.Hosts(self, [self], [], "corp.example").Split('\n'));
        Assert.StartsWith("search n.svc.corp.example svc.corp.example corp.example job.n.svc.corp.example\n", PodNames.ResolverConfiguration(self, "corp.example"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pod_without_an_address_has_no_line()
    {
        var self = new PodNames.Pod("n", "a", "a", "", "10.0.0.2", [], []);
        Assert.DoesNotContain("late", PodNames.Hosts(self, [new PodNames.Pod("n", "late", "late", "job", null, [], [])], [], "cluster.local"), StringComparison.Ordinal);
    }
}

public sealed class ServiceRouteTests
{
    [Fact]
    public void A_service_leads_to_its_ready_pods_and_names_the_ports_that_differ()
    {
        var service = Object("{apiVersion: v1, kind: Service, metadata: {namespace: n, name: s}, spec: {clusterIP: 10.96.0.9, ports: [{name: a, port: 80}, {name: b, port: 22}]}}");
        var slice = Object("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {namespace: n, name: s-1, labels: {kubernetes.io/service-name: s}}, endpoints: [{addresses: [10.0.0.2]}, {addresses: [10.0.0.3], conditions: {ready: false}}, {addresses: [10.0.0.4]}], ports: [{name: a, port: 8080, protocol: TCP}, {name: b, port: 22, protocol: TCP}]}");
        var pods = ImmutableHashSet.Create("10.0.0.2", "10.0.0.3");
        var route = ServiceRoute.Of(service, [slice], pods);
        Assert.NotNull(route);
        Assert.Equal(["10.0.0.2"], route.Backends);
        Assert.Equal(["80 10.0.0.2:8080", "22 10.0.0.2:22"], route.Ports.Select(static p => $"{p.Port} {string.Join(',', p.Targets)}"));
        Assert.False(route.IsDirect(pods));
        Assert.True((route with { Ports = [route.Ports[1]] }).IsDirect(pods));
        Assert.Null(ServiceRoute.Of(Object("{apiVersion: v1, kind: Service, metadata: {namespace: n, name: s}, spec: {clusterIP: None}}"), [slice], ImmutableHashSet<string>.Empty));
    }

    [Theory]
    [InlineData("{namespace: default, name: kubernetes}", 1)]
    [InlineData("{namespace: default, name: other}", 0)]
    public void Only_the_API_servers_Service_leads_to_this_machines_loopback_address(string meta, int backends)
    {
        var service = Object($"{{apiVersion: v1, kind: Service, metadata: {meta}, spec: {{clusterIP: 10.96.0.1, ports: [{{name: https, port: 443}}]}}}}");
        var slice = Object($"{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {meta.Replace("}", $", labels: {{kubernetes.io/service-name: {service.Meta.Name}}}}}", StringComparison.Ordinal)}, endpoints: [{{addresses: [127.0.0.1]}}], ports: [{{name: https, port: 6443}}]}}");
        Assert.Equal(backends, ServiceRoute.Of(service, [slice], ImmutableHashSet<string>.Empty)!.Backends.Length);
    }

    private static KubeObject Object(string yaml) => KubeObject.From(Yaml.Read(yaml)[0].Root);
}

public sealed class SubPathTests : IDisposable
{
    private readonly DirectoryInfo _volume = Directory.CreateTempSubdirectory("kube-nodes-volume");

    public void Dispose() => _volume.Delete(recursive: true);

    [Fact]
    public void Links_are_followed_inside_the_volume_and_never_out_of_it()
    {
        Directory.CreateDirectory(Path.Join(_volume.FullName, "a", "b"));
        File.CreateSymbolicLink(Path.Join(_volume.FullName, "in"), "a/../a/b");
        File.CreateSymbolicLink(Path.Join(_volume.FullName, "a", "up"), "../../elsewhere");
        File.CreateSymbolicLink(Path.Join(_volume.FullName, "absolute"), "/etc");
        File.CreateSymbolicLink(Path.Join(_volume.FullName, "loop"), "loop");
        Assert.Equal("a/b/new", SubPath.Resolve(_volume.FullName, "in/new"));
        foreach (var way in (ReadOnlySpan<string>)["a/up", "absolute/passwd", "loop", "../x", "/etc"]) AssertRefused(way);
    }

    private void AssertRefused(string way) => Assert.Throws<MissingReferenceException>(() => SubPath.Resolve(_volume.FullName, way));
}

public sealed class VolumeContentTests
{
    private static readonly Quantity One = Quantity.FromUnits(1);

    [Fact]
    public void A_projected_path_that_stands_twice_is_the_later_sources()
    {
        var pod = new PodSpecView(Object("{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: n, labels: {b: '2', a: '1'}}, spec: {volumes: [{name: v, projected: {defaultMode: 256, sources: [{configMap: {name: m}}, {downwardAPI: {items: [{path: k, fieldRef: {fieldPath: metadata.labels}}]}}]}}], containers: [{name: c}]}}"));
        var files = VolumeContent.Of(pod, pod.Spec.Items("volumes").Single(), new Objects(), new DownwardFields(pod, null, "", One, One), static _ => "token");
        var file = Assert.Single(files!.Value);
        Assert.Equal("a=\"1\"\nb=\"2\"", Encoding.UTF8.GetString(file.Content.Span));
        Assert.Equal((UnixFileMode)256, file.Mode);
    }

    [Fact]
    public void A_missing_key_is_told_as_the_kubelet_does()
    {
        var pod = new PodSpecView(Object("{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: n}, spec: {volumes: [{name: v, configMap: {name: m, items: [{key: none, path: x}]}}], containers: [{name: c}]}}"));
        var missing = Assert.Throws<MissingReferenceException>(() => VolumeContent.Of(pod, pod.Spec.Items("volumes").Single(), new Objects(), new DownwardFields(pod, null, "", One, One), static _ => "token"));
        Assert.Equal("configmap references non-existent config key: none", missing.Message);
    }

    private static KubeObject Object(string yaml) => KubeObject.From(Yaml.Read(yaml)[0].Root);

    private sealed class Objects : INodeObjects
    {
        public KubeObject? ConfigMap(string ns, string name) => Object("{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: n}, data: {k: v}}");

        public KubeObject? Secret(string ns, string name) => null;

        public KubeObject? ServiceAccount(string ns, string name) => null;

        public IEnumerable<KubeObject> Services => [];

        public bool LeadsToApiServer => false;
    }
}
