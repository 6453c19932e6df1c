// One texel of the atlas.

uniform sampler2D u_atlas;

varying vec2 v_uv;

void main() {
    gl_FragColor = vec4(texture2D(u_atlas, v_uv).rgb, 1.0);
}
