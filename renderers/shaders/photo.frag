// A photo over the view that was taken through the same camera, up to a wipe's edge.

uniform sampler2D u_image;   // first row uppermost
uniform vec4 u_rectangle;    // left, top, right, bottom in pixels
uniform float u_opacity;
uniform float u_split;       // share of the photo's width that is shown, from the left
uniform vec3 u_edge;         // colour of the wipe's edge

varying vec2 v_pixel;

void main() {
    vec2 uv = (v_pixel - u_rectangle.xy) / (u_rectangle.zw - u_rectangle.xy);
    if (any(lessThan(uv, vec2(0.0))) || any(greaterThan(uv, vec2(1.0)))) discard;
    float past = (uv.x - u_split) * (u_rectangle.z - u_rectangle.x);
    if (u_split > 0.0 && u_split < 1.0 && abs(past) <= 1.0) {
        gl_FragColor = vec4(u_edge, 1.0);
        return;
    }
    if (past > 0.0) discard;
    vec4 texel = texture2D(u_image, uv);
    float alpha = texel.a * u_opacity;
    gl_FragColor = vec4(texel.rgb * alpha, alpha);
}
