using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Client.Tests;

public sealed class KubeRequestsTests
{
    private static readonly ResourceKind MpiJob = new("kubeflow.org", "v2beta1", "MPIJob", "mpijobs");

    [Fact]
    public void A_list_names_its_selectors_and_page_and_quotes_them() => Assert.Equal(
        "GET /api/v1/namespaces/a/pods?labelSelector=app%20in%20%28x%2Cy%29&fieldSelector=spec.nodeName%3Dn&limit=500&resourceVersion=0",
        KubeRequests.List(Kinds.Pod, "a", new ListOptions("app in (x,y)", "spec.nodeName=n", 500, "", "0")).ToString());

    [Fact]
    public void The_next_page_carries_its_token_and_no_resource_version() => Assert.Equal(
        "GET /apis/kubeflow.org/v2beta1/mpijobs?limit=2&continue=tok%2B%3D",
        KubeRequests.List(MpiJob, null, new ListOptions(Limit: 2, Continue: "tok+=", ResourceVersion: "0")).ToString());

    [Fact]
    public void A_watch_asks_for_bookmarks_and_an_end() => Assert.Equal(
        "GET /api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7&labelSelector=a%3Db&timeoutSeconds=300",
        KubeRequests.Watch(Kinds.Pod, null, new WatchOptions("7", "a=b", Timeout: TimeSpan.FromMinutes(5))).ToString());

    [Fact]
    public void Writes_go_where_the_object_says()
    {
        var obj = KubeObject.Parse("""{"metadata":{"namespace":"a","name":"x"}}""");
        Assert.Equal("POST /apis/kubeflow.org/v2beta1/namespaces/a/mpijobs", KubeRequests.Create(MpiJob, obj).ToString());
        Assert.Equal("PUT /apis/kubeflow.org/v2beta1/namespaces/a/mpijobs/x/status", KubeRequests.Update(MpiJob, obj, "status").ToString());
        Assert.Equal("PUT /api/v1/nodes/x", KubeRequests.Update(Kinds.Node, obj, null).ToString());
    }

    [Fact]
    public void A_patch_carries_its_content_type_and_field_manager()
    {
        var apply = KubeRequests.Patch(Kinds.Pod, "a", "x", Patch.Apply(new JsonObject(), "me", force: true), null);
        Assert.Equal("PATCH /api/v1/namespaces/a/pods/x?fieldManager=me&force=true", apply.ToString());
        Assert.Equal("application/apply-patch+yaml", apply.ContentType);
        Assert.Equal("PATCH /api/v1/namespaces/a/pods/x/status", KubeRequests.Patch(Kinds.Pod, "a", "x", Patch.Merge(new JsonObject()), "status").ToString());
    }

    [Fact]
    public void A_deletion_carries_its_preconditions_only_when_there_are_any()
    {
        Assert.Null(KubeRequests.Delete(Kinds.Pod, "a", "x", new DeleteOptions()).Body);
        var body = KubeRequests.Delete(Kinds.Pod, "a", "x", new DeleteOptions("u", "7", TimeSpan.Zero, "Foreground")).Body!.Value;
        Assert.Equal(
            """{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"propagationPolicy":"Foreground","preconditions":{"uid":"u","resourceVersion":"7"}}""",
            Encoding.UTF8.GetString(body.Span));
        Assert.Equal("DELETE /api/v1/namespaces/a/pods?labelSelector=job%3Dx", KubeRequests.DeleteCollection(Kinds.Pod, "a", new ListOptions("job=x"), new DeleteOptions()).ToString());
    }

    [Fact]
    public void A_log_says_what_of_it() => Assert.Equal(
        "GET /api/v1/namespaces/a/pods/x/log?container=c&follow=true&tailLines=10",
        KubeRequests.Log("a", "x", new LogOptions("c", Follow: true, TailLines: 10)).ToString());
}
