using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Operator.Tests;

public sealed class SettingsUpkeepTests
{
    private static IReadOnlyDictionary<string, string> Data(WebhookWorld world) => world.Cluster.Get(Kinds.ConfigMap, ConversionOptions.SettingsName, WebhookWorld.Namespace).Root.TextMap("data");

    [Fact]
    public async Task Without_flags_the_first_replica_writes_down_the_defaults()
    {
        await using var world = new WebhookWorld();
        var (webhook, _) = world.Start();
        Assert.Null(WebhookWorld.Gpus(webhook));
        await world.RunAsync();
        Assert.Equal(ConversionSettings.Default.GpusPerNode, WebhookWorld.Gpus(webhook));
        Assert.Equal(ConversionSettings.Default, ConversionConfigMap.Read(world.Cluster.Get(Kinds.ConfigMap, ConversionOptions.SettingsName, WebhookWorld.Namespace), out var faults));
        Assert.Empty(faults);
    }

    [Fact]
    public async Task An_old_Deployments_flags_become_the_ConfigMap_where_there_is_none()
    {
        await using var world = new WebhookWorld();
        var (webhook, _) = world.Start(flags: ["gpus-per-node=4", "processing-resource-type=cpu"]);
        await world.RunAsync();
        Assert.Equal(4, WebhookWorld.Gpus(webhook));
        Assert.Equal(("4", "cpu"), (Data(world)["gpusPerNode"], Data(world)["processingResourceType"]));
        Assert.DoesNotContain(world.Log, static l => l.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_two_replicas_with_different_flags_the_first_ones_hold_for_both_and_the_other_is_told_the_way()
    {
        await using var world = new WebhookWorld();
        var (a, _) = world.Start(flags: "gpus-per-node=4");
        var (b, _) = world.Start(flags: "gpus-per-node=16");
        await world.RunAsync();
        Assert.Equal(WebhookWorld.Gpus(a), WebhookWorld.Gpus(b));
        var other = WebhookWorld.Gpus(a) == 4 ? 16 : 4;
        Assert.Single(world.Log, l => l.StartsWith($"Warning: conversion: --gpus-per-node={other} has no effect: ConfigMap mpi-operator/kubempi-conversion says {20 - other}", StringComparison.Ordinal)
            && l.EndsWith($$$"""kubectl -n mpi-operator patch configmap kubempi-conversion --type=merge -p '{"data":{"gpusPerNode":"{{{other}}}"}}'""", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_change_reaches_every_replica_and_a_deleted_ConfigMap_comes_back_as_it_was()
    {
        await using var world = new WebhookWorld();
        var (a, _) = world.Start();
        var (b, _) = world.Start();
        await world.RunAsync();
        world.Cluster.Patch(Kinds.ConfigMap, ConversionOptions.SettingsName, """{"data": {"gpusPerNode": "2"}}""", ns: WebhookWorld.Namespace);
        await world.RunAsync();
        Assert.Equal((2, 2), (WebhookWorld.Gpus(a), WebhookWorld.Gpus(b)));
        world.Cluster.Delete(Kinds.ConfigMap, ConversionOptions.SettingsName, ns: WebhookWorld.Namespace);
        await world.RunAsync();
        Assert.Equal("2", Data(world)["gpusPerNode"]);
        Assert.Equal((2, 2), (WebhookWorld.Gpus(a), WebhookWorld.Gpus(b)));
    }

    [Fact]
    public async Task A_value_that_is_none_is_said_and_every_replica_takes_the_default()
    {
        await using var world = new WebhookWorld();
        var (a, _) = world.Start();
        await world.RunAsync();
        world.Cluster.Patch(Kinds.ConfigMap, ConversionOptions.SettingsName, """{"data": {"gpusPerNode": "many", "colour": "red"}}""", ns: WebhookWorld.Namespace);
        await world.RunAsync();
        var (b, _) = world.Start();
        await world.RunAsync();
        Assert.Equal(ConversionSettings.Default.GpusPerNode, WebhookWorld.Gpus(a));
        Assert.Equal(WebhookWorld.Gpus(a), WebhookWorld.Gpus(b));
        Assert.Contains(world.Log, static l => l.Contains("gpusPerNode: \"many\" is not a whole number of 1 or more", StringComparison.Ordinal));
        Assert.Contains(world.Log, static l => l.Contains("colour is no setting", StringComparison.Ordinal));
    }
}
